"""Counted work: an area of walks in; the instructions of each walk over each of its worst cases out.

No time is measured: instructions are the same on a busy machine, and those of C count, too.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

TESTS: Final = Path(__file__).parents[1]
MARK: Final = "_PyEval_SetTrace"
"""What `sys.settrace` calls; valgrind divides its account there."""
_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)

Case = tuple[str, str]
"""Names of a walk and of its worst case."""


def work_of(area: str, sizes: Sequence[int], part: tuple[int, int] = (0, 1)) -> Mapping[Case, Sequence[int]]:
    """Return the instructions for each size; `part` is the first case, and the step to the next."""
    with TemporaryDirectory(prefix="work-") as folder:
        account = Path(folder) / "account"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={account}",
             sys.executable, "-m", "walks.counted_walks", area, *map(str, (*part, *sizes))],
            env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3_000:]
        dumps = sorted(account.parent.glob(f"{account.name}.*"), key=lambda dump: int(dump.suffix[1:]))
        counts = [int(_TOTAL.findall(dump.read_text())[-1]) for dump in dumps]
        cases = [tuple(case) for case in json.loads(done.stdout.splitlines()[-1])]
    # One is written at each mark, of what was done since the one before: first what made the inputs.
    each = 1 + len(sizes)
    assert len(counts) == len(cases) * each, (len(counts), len(cases))
    return {case: counts[at * each :][1:each] for at, case in enumerate(cases)}
