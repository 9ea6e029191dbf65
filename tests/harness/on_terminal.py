"""Commands on a pseudo terminal of a usual size."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len

STYLE = re.compile(r"\x1b\[[0-9;]*m")
SIZES = [(80, 24), (120, 40)]


def on_terminal(
    width: int,
    height: int,
    *arguments: str,
    folder: Path,
    program: Sequence[str] = ("-m", "dataflow"),
    **variables: str,
) -> list[str]:
    """Run a command, or another program of Python, on a pseudo terminal; return the lines that it showed.

    Colours and the like are left out, unless the variables name a terminal. It is not called dumb: Rich
    asks no dumb terminal for its size, and takes 80 columns.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    environment = {**inherited, "TERM": "xterm", "DATAFLOW_DATA_DIR": str(folder)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    environment |= variables
    with subprocess.Popen(
        [sys.executable, *program, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        env=environment,
    ):
        os.close(its)
        pieces = []
        try:
            while piece := os.read(ours, 65_536):
                pieces.append(piece)
        except OSError:
            pass  # Linux says of a terminal that nobody has any more that it is faulty
        finally:
            os.close(ours)
    text = b"".join(pieces).decode()
    return (text if "TERM" in variables else STYLE.sub("", text)).splitlines()


def whole(lines: list[str], width: int) -> bool:
    """Tell whether every line fits, and none is cut."""
    return bool(lines) and all(cell_len(line) <= width and "…" not in line for line in lines)
