"""CSV files that somebody takes away, replaces or shortens while the sink writes: no line goes nowhere."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.errors import SinkUnavailable
from dataflow.sinks.csv_files import CsvFiles, CsvLine, Rotation

HEADER = b"number\r\n"
FIRST = "events-0-00000000000000000000.csv"
WRITTEN = HEADER + b"0\r\n1\r\n"


def append(files: CsvFiles, first: int, end: int) -> None:
    """Append the lines of some offsets."""
    lines = [CsvLine(offset, 0, b"%d\r\n" % offset) for offset in range(first, end)]
    files.append(first, end, lines, "topic id")


@pytest.fixture
def files(tmp_path: Path) -> CsvFiles:
    """Return files with two lines, that are open."""
    files = CsvFiles(tmp_path, "events-0", HEADER, Rotation(1 << 20, 3_600_000))
    append(files, 0, 2)
    return files


def move(path: Path) -> None:
    """Collect the file, as a program does that loads it elsewhere."""
    path.rename(path.with_suffix(".loaded"))


def replace(path: Path) -> None:
    """Put another file in its place."""
    path.unlink()
    path.write_bytes(b"x")


CHANGES = [Path.unlink, move, replace, lambda path: os.truncate(path, 3)]


@pytest.mark.parametrize("change", CHANGES, ids=["deleted", "moved", "replaced", "shortened"])
def test_a_file_that_is_gone_while_it_is_written_is_told_of(
    files: CsvFiles, tmp_path: Path, change: Callable[[Path], None]
):
    """Its open file took all further lines, which nobody could find, and their offsets were committed."""
    change(tmp_path / FIRST)
    told = r"events-0-\d+\.csv is missing or has been shortened to \d bytes; expected 14, which are written"
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match=told):
            append(files, 2, 4)
    (tmp_path / FIRST).write_bytes(WRITTEN)  # put back
    append(files, 2, 4)
    assert (tmp_path / FIRST).read_bytes() == WRITTEN + b"2\r\n3\r\n"
    files.close()


def test_a_new_file_begins_once_the_position_is_moved_away(files: CsvFiles, tmp_path: Path):
    """As the error says."""
    move(tmp_path / FIRST)
    with pytest.raises(SinkUnavailable, match=r"or move \.events-0\.position to another folder"):
        append(files, 2, 4)
    move(tmp_path / ".events-0.position")
    append(files, 2, 4)
    assert [path.name for path in tmp_path.glob("*.csv")] == ["events-0-00000000000000000002.csv"]
    assert (tmp_path / "events-0-00000000000000000002.csv").read_bytes() == HEADER + b"2\r\n3\r\n"
    files.close()


def test_a_copy_that_is_put_in_its_place_is_continued(files: CsvFiles, tmp_path: Path):
    """As an editor does, or a backup that is restored."""
    replace(tmp_path / FIRST)
    (tmp_path / FIRST).write_bytes(WRITTEN)
    append(files, 2, 4)
    assert (tmp_path / FIRST).read_bytes() == WRITTEN + b"2\r\n3\r\n"
    files.close()
