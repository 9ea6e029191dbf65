"""Backups as files, and what has to be in one: everything that is kept without a limit of time."""

import errno
import os
from pathlib import Path

import pytest

from dataflow.backup import KEPT, KeptRecord, read_backup, write_backup
from dataflow.catalogue.declared import DEAD_LETTERS_REPLAYED, OWN_TOPICS, TOPICS
from dataflow.engine.boot import CHANGELOG_SETTINGS
from dataflow.errors import DataflowError

RECORD = KeptRecord(
    "filter-rules", 0, 1_700_000_000_000, b"\xff", b"[]", [("author", b"ann"), ("none", None)]
)


def test_a_file_has_the_records_as_they_were(tmp_path: Path):
    """Keys and headers are bytes; whoever loses one loses the history of the rules."""
    write_backup(tmp_path / "file", [RECORD, RECORD])
    assert read_backup(tmp_path / "file") == [RECORD, RECORD]


def test_a_file_is_not_overwritten(tmp_path: Path):
    """It may be the only one that has been good."""
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataflowError, match="expected a new file"):
        write_backup(tmp_path / "file", [RECORD])
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("path", ["/", "."])
def test_a_folder_is_no_new_file(path: str):
    """These have no name to which `.part` could be added."""
    with pytest.raises(DataflowError, match=r"FILE is '.*'; expected a new file"):
        write_backup(Path(path), [RECORD])


@pytest.mark.parametrize("line", [b"", b"{}", b'{"topic": "filter-rules"}', b"\xff", b"[]"])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes):
    """Half a backup is worse than none, so nothing is written before all is read."""
    write_backup(tmp_path / "file", [RECORD])
    with (tmp_path / "file").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DataflowError, match=r"line 2 of .* is no record .*; expected a file that"):
        read_backup(tmp_path / "file")


def test_a_file_that_was_cut_off_anywhere_is_no_backup(tmp_path: Path):
    """A copy that broke off at the end of a line restored half of the rules, and said so of all."""
    whole, cut = tmp_path / "file", tmp_path / "cut"
    write_backup(whole, [RECORD] * 3)
    raw = whole.read_bytes()
    for size in range(len(raw) - 1):  # without the last line break it is whole
        cut.write_bytes(raw[:size])
        with pytest.raises(DataflowError, match="expected"):
            read_backup(cut)


@pytest.mark.parametrize("begin", [b"", b"no record\n"])
def test_a_large_file_that_is_no_backup_is_refused_at_its_first_line(tmp_path: Path, begin: bytes):
    """The wrong name, of a log or of a device, filled the memory of the machine."""
    (tmp_path / "file").write_bytes(begin)
    os.truncate(tmp_path / "file", 1 << 40)  # sparse
    with pytest.raises(DataflowError, match=r"line 1 of .* is no record"):
        read_backup(tmp_path / "file")


def test_lines_that_are_missing_amid_a_file_are_noticed(tmp_path: Path):
    """Somebody has edited it, or joined its pieces."""
    write_backup(tmp_path / "file", [RECORD] * 3)
    lines = (tmp_path / "file").read_bytes().splitlines(keepends=True)
    (tmp_path / "file").write_bytes(b"".join(lines[1:]))
    with pytest.raises(DataflowError, match="has 2 records; expected 3"):
        read_backup(tmp_path / "file")


def test_a_disk_that_is_full_leaves_no_file_that_looks_like_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The next run begins anew, under the same name."""

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(DataflowError, match="No space left"):
            write_backup(tmp_path / "file", [RECORD])
    assert not (tmp_path / "file").exists()
    write_backup(tmp_path / "file", [RECORD])
    assert read_backup(tmp_path / "file") == [RECORD]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_kept_without_end_is_in_a_backup():
    """A topic that is added later is thought of: marks of dead letters alone end with these."""
    endless = {topic.name for topic in (*OWN_TOPICS, *TOPICS.values()) if topic.retention_days is None}
    assert endless - {*KEPT} == {DEAD_LETTERS_REPLAYED.name}


def test_changelogs_have_no_limit_of_time():
    """Else a table would forget keys that nobody has asked for, for a while."""
    assert CHANGELOG_SETTINGS["cleanup.policy"] == "compact"
    assert not {"retention.ms", "retention.bytes"} & CHANGELOG_SETTINGS.keys()
