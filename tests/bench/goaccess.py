"""GoAccess: the same access-log lines from a file, its default panels, one report in JSON."""

import shutil

from contestants import Contestant
from flows.log_file import LogFile
from inputs import ACCESS_LINES

COMMAND = 'exec goaccess "$LOG" --no-global-config --log-format=COMBINED --output="$REPORT"'


def goaccess() -> list[Contestant]:
    """Return its row; raise `OSError` where there is no GoAccess."""
    if not shutil.which("goaccess"):
        raise FileNotFoundError("goaccess is not on the PATH (Debian: apt install goaccess)")
    return [
        Contestant(
            "goaccess", "GoAccess: a file, its default panels (keeps nothing, guarantees nothing)",
            ("sh", "-c", COMMAND), LogFile, given=ACCESS_LINES,
        )
    ]  # fmt: skip
