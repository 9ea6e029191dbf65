"""Instructions of the hot stages and of a snapshot, in units of plain JSON: a guard that no noise breaks.

`python tests/bench/instructions.py` runs `hot_stages.py` under valgrind, prints one line per step, and ends
with 1 where a step takes more than `instructions.json` allows; `--write` writes what was counted there.
What a processor, a compiler or another Python changes, it changes for plain JSON, too: so a step is
measured by how many times it takes the instructions of `json.loads` and `dumps` of as many bookings.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

HERE: Final = Path(__file__).parent
BOUNDS: Final = HERE / "instructions.json"
SPREAD: Final = 1.15
"""How much more than what is written down is taken for the same."""
MARK: Final = "_PyEval_SetTrace"
"""What `sys.settrace` calls; valgrind divides its account there."""

_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def counted() -> dict[str, float]:
    """Run all steps; return by name how many times the instructions of plain JSON each takes."""
    with TemporaryDirectory(prefix="instructions-") as folder:
        account = Path(folder) / "account"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={account}",
             sys.executable, str(HERE / "hot_stages.py")],
            env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(HERE.parents[1])},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{HERE / 'hot_stages.py'} ended with {done.returncode} under valgrind:\n{done.stderr}")
        names = json.loads(done.stdout)
        parts = [int(_TOTAL.findall(part.read_text())[-1]) for part in dumps(account)]
    # of two rounds, each part from a mark to the next; the last one is the end of the program
    of_steps = parts[-len(names) :]
    unit, *others = of_steps
    return {name: round(part / unit, 3) for name, part in zip(names[1:], others, strict=True)}


def dumps(account: Path) -> list[Path]:
    """Return the parts of an account up to the last mark, in order."""
    return sorted(account.parent.glob(f"{account.name}.*"), key=lambda part: int(part.suffix[1:]))


def main() -> None:
    """Count, print and compare; or count and write."""
    steps = counted()
    if sys.argv[1:] == ["--write"]:
        BOUNDS.write_text(json.dumps(steps, indent=1) + "\n")
    known = json.loads(BOUNDS.read_text())
    dearer = {name: share for name, share in steps.items() if share > known.get(name, 0) * SPREAD}
    for name, share in steps.items():
        print(f"{name:24} {share:8.3f} times plain JSON; written down {known.get(name, 0):.3f}")
    for name, share in dearer.items():
        print(
            f"{name} takes {share:.3f} times the instructions of plain JSON; expected at most "
            f"{known.get(name, 0) * SPREAD:.3f}. Profile it, or write the cost down with --write and say why."
        )
    sys.exit(bool(dearer))


if __name__ == "__main__":
    main()
