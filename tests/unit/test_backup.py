"""Backups as files, and what has to be in one: everything that is kept without a limit of time."""

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
    assert list(read_backup(tmp_path / "file")) == [RECORD, RECORD]


def test_a_file_is_not_overwritten(tmp_path: Path):
    """It may be the only one that has been good."""
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataflowError, match="expected a new file"):
        write_backup(tmp_path / "file", [RECORD])
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("line", [b"", b"{}", b'{"topic": "filter-rules"}', b"\xff", b"[]"])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes):
    """Half a backup is worse than none, so nothing is written before all is read."""
    write_backup(tmp_path / "file", [RECORD])
    with (tmp_path / "file").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DataflowError, match=r"line 2 of .* is no record .*; expected a file that"):
        list(read_backup(tmp_path / "file"))


def test_what_is_kept_without_end_is_in_a_backup():
    """A topic that is added later is thought of: marks of dead letters alone end with these."""
    endless = {topic.name for topic in (*OWN_TOPICS, *TOPICS.values()) if topic.retention_days is None}
    assert endless - {*KEPT} == {DEAD_LETTERS_REPLAYED.name}


def test_changelogs_have_no_limit_of_time():
    """Else a table would forget keys that nobody has asked for, for a while."""
    assert CHANGELOG_SETTINGS["cleanup.policy"] == "compact"
    assert not {"retention.ms", "retention.bytes"} & CHANGELOG_SETTINGS.keys()
