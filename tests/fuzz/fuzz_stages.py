"""Fuzzing: bytes that atheris makes up in; a crash, a hang, a miscount or a slow input of a target out.

Run `make fuzz` (a minute), or this with libFuzzer's own options, as `-max_total_time=600 corpus/`.
The first byte of an input chooses the target. An input that a target fails on, or is slow on, is kept in
build/.
"""

import os
import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    print("No fuzzing here: there is no atheris for this Python or machine.", file=sys.stderr)
    sys.exit(0)

sys.path[:0] = map(str, Path(__file__).parents[1:3])
os.environ["DATAFLOW_BROKER"] = "nowhere:9092"  # it is not asked for

with atheris.instrument_imports(include=["dataflow", "agents", "fuzz"]):
    from fuzz.seeds import SEEDS
    from fuzz.slow_inputs import SlowInputs
    from fuzz.targets import TARGETS

SECONDS = 60
SECONDS_AN_INPUT = 30
LONGEST_INPUT = 8_192
KEPT = Path(__file__).parents[2] / "build"
NAMES = list(TARGETS)
SLOW = SlowInputs(KEPT)


def fuzz(raw: bytes) -> None:
    """Give an input to the target that its first byte names."""
    if raw:
        name = NAMES[raw[0] % len(NAMES)]
        SLOW.run(name, TARGETS[name], raw[1:])


def write_seeds(folder: Path) -> None:
    """Write the seeds of all targets as files."""
    for number, name in enumerate(NAMES):
        for place, seed in enumerate(SEEDS[name]):
            (folder / f"{number}-{place}").write_bytes(bytes([number]) + seed)


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    bounds = [
        *(f"-max_total_time={SECONDS}", f"-timeout={SECONDS_AN_INPUT}", f"-max_len={LONGEST_INPUT}"),
        *("-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={KEPT}/fuzz-"),
    ]
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        atheris.Setup([sys.argv[0], *bounds, *sys.argv[1:], seeds], fuzz)
        atheris.Fuzz()
