"""Commands on terminals of usual sizes: nothing is cut that identifies something."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from dataflow.cli.tables import windows_of
from dataflow.cli.wide_table import column_groups
from dataflow.settings import Settings, variable_of

SIZES = [(80, 24), (120, 40)]


def on_terminal(width: int, height: int, *arguments: str, folder: Path) -> list[str]:
    """Run a command on a pseudo terminal; return the lines that it showed."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    environment = {**inherited, "TERM": "dumb", "DATAFLOW_DATA_DIR": str(folder)}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    with subprocess.Popen(
        [sys.executable, "-m", "dataflow", *arguments],
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
    return b"".join(pieces).decode().splitlines()


def whole(lines: list[str], width: int) -> bool:
    """Tell whether every line fits, and none is cut."""
    return bool(lines) and all(cell_len(line) <= width and "…" not in line for line in lines)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_settings_have_their_whole_names(width: int, height: int, tmp_path):
    """Four rows were called `DATAFLOW_OPENSEA…`, in the only complete reference."""
    lines = on_terminal(width, height, "settings", folder=tmp_path)
    assert whole(lines, width)
    words = {word for line in lines for word in line.split("│")[1:2]}
    assert {variable_of(name) for name in Settings.model_fields} <= {word.strip() for word in words}


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["demo", "--help"],
        ["dead-letters", "--help"],
        ["plan", "--events-per-second", "20000", "--stream", "access-logs"],
        ["secrets", "init", "FOLDER"],
    ],
    ids=" ".join,
)
def test_what_a_command_shows_fits(command: list[str], width: int, height: int, tmp_path):
    """Half of the people who look at it have 80 columns."""
    arguments = [str(tmp_path / "secrets") if word == "FOLDER" else word for word in command]
    assert whole(on_terminal(width, height, *arguments, folder=tmp_path), width)


@pytest.mark.parametrize(("width", "_height"), SIZES)
@pytest.mark.parametrize("key", ["/basket", "/a/long/path/" + "of/many/parts/" * 9 + "end"])
def test_a_table_keeps_its_keys_and_numbers_whole(key: str, width: int, _height: int):
    """Quantiles were a Python dict, and eight numbers beside a long path were cut to nothing."""
    quantiles = {"p50": 12.25, "p90": 1034.5, "p99": 20_000.75}
    entry = {"key": key, "count": 1_234_567, "bytes": 10**13, "errors": 12, "response_time_ms": quantiles}
    answer = {"table": "requests_per_endpoint", "window": "all", "windows": [{"entries": [entry]}]}
    screen = StringIO()
    console = Console(file=screen, width=width)
    for table in windows_of(answer, width):
        console.print(table)
    lines = screen.getvalue().splitlines()
    assert whole(lines, width)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    numbers = {cell for row in cells for cell in row[1:]} - {""}
    assert numbers == {"1,234,567", "10,000,000,000,000", "12", "12.25", "1,034.50", "20,000.75"}
    assert "".join(row[0] for row in cells).startswith(key)
    assert "response_time_ms p99" in screen.getvalue()


def test_columns_that_do_not_fit_begin_another_table():
    """Each has the names of the rows, and at least one number, however narrow it is."""
    assert column_groups([10, 5, 5, 5], 80) == [[0, 1, 2, 3]]
    assert column_groups([10, 5, 5, 5], 30) == [[0, 1, 2], [0, 3]]
    assert column_groups([10, 50, 50], 30) == [[0, 1], [0, 2]]
    assert column_groups([10], 30) == [[0]]
