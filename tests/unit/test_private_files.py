"""Modes of files and folders: ours are private, and CSV files are for the group, whatever the umask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.private_files import group_folder, private_folder
from dataflow.sinks.csv_files import CsvFiles, CsvLine, Rotation


@pytest.fixture(autouse=True)
def _open_umask():
    """Set the umask that services have."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return who may do what with it."""
    return path.stat().st_mode & 0o777


def test_what_a_command_writes_is_for_its_user_alone(tmp_path):
    """Dead letters have the raw bytes of senders in them."""
    (tmp_path / "rules").write_text("[]")
    command = ["apply", "filter", "-", "--rules", "rules", "--dead-letters", "bad"]
    program = [sys.executable, "-m", "dataflow"]
    done = subprocess.run([*program, *command], input=b"{", cwd=tmp_path, check=False)
    assert done.returncode == 1  # all of it was dead
    assert (tmp_path / "bad").read_bytes()
    assert mode(tmp_path / "bad") == 0o600


def test_a_folder_of_an_earlier_release_is_closed(tmp_path):
    """It was made for all to read; nobody changes that by hand."""
    (tmp_path / "tables").mkdir()
    assert mode(tmp_path / "tables") == 0o755
    assert mode(private_folder(tmp_path / "tables")) == 0o700
    assert mode(private_folder(tmp_path / "data" / "s3")) == 0o700


def test_csv_files_are_for_the_group_and_nobody_else(tmp_path):
    """Another tool reads them under another user; the rest of the machine does not."""
    os.umask(0o077)  # as `dataflow worker` has it
    files = CsvFiles(tmp_path / "a" / "csv", "events-0", b"number\r\n", Rotation(1 << 20, 3_600_000))
    files.append(0, 1, [CsvLine(0, 0, b"0\r\n")])
    files.close()
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "csv")] == [0o750, 0o750]
    assert [mode(path) for path in (tmp_path / "a" / "csv").glob("*.csv")] == [0o640]
    assert {mode(path) for path in (tmp_path / "a" / "csv").glob(".*")} == {0o600}


def test_a_folder_for_others_that_is_there_stays_as_it_is(tmp_path):
    """Whoever made it has said who may read it."""
    (tmp_path / "csv").mkdir(mode=0o755)
    assert mode(group_folder(tmp_path / "csv")) == 0o755
