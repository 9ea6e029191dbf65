"""The export of a journal in; a line for each entry, with the host and the time of the journal, out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.sources.journal_entries import journal_lines
from dataflow.stages.access_log import line_stage

MOST = 1_000
LINE = '192.0.2.9 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"'
FIELDS = st.sampled_from(
    [b"PRIORITY", b"_BOOT_ID", b"_PID", b"_HOSTNAME", b"MESSAGE", b"__REALTIME_TIMESTAMP"]
)


def a_field(name: bytes, value: bytes, *, is_binary: bool = False) -> bytes:
    """Return a field as `systemd` writes it: what is no text of one line has its length in front."""
    if is_binary or b"\n" in value:
        return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name + b"=" + value + b"\n"


def an_entry(message: bytes | None, at: bytes = b"1423944916375353", *, is_binary: bool = False) -> bytes:
    """Return one entry, with its host behind the message."""
    fields = [a_field(b"__CURSOR", b"s=1;i=2"), a_field(b"__REALTIME_TIMESTAMP", at)]
    if message is not None:
        fields += [a_field(b"PRIORITY", b"6"), a_field(b"MESSAGE", message, is_binary=is_binary)]
    return b"".join([*fields, a_field(b"_HOSTNAME", b"web1"), b"\n"])


def lines(export: bytes, size: int = 1 << 16, *, is_json: bool = False) -> list[bytes]:
    """Return the lines of an export that comes in pieces of a size."""
    pieces = iter([export[at : at + size] for at in range(0, len(export), size)])
    return b"".join(journal_lines(pieces, MOST, is_json=is_json)).splitlines(keepends=True)


def test_an_access_log_keeps_the_host_and_the_time_of_the_journal():
    """Each field was a line of its own: they were lost, and nobody knew which of ten servers it was."""
    [line] = lines(an_entry(LINE.encode()))
    [raw] = line_stage(None, None, None)(line)
    entry = json.loads(raw)
    assert (entry["ip"], entry["endpoint"], entry["host"]) == ("192.0.2.9", "/a", "web1")
    assert (entry["log_host"], entry["log_time"]) == ("web1", "1423944916375353")


def test_entries_without_a_message_are_none():
    """They say that a unit has started, or that a user has come."""
    assert len(lines(an_entry(b"a") + an_entry(None) + an_entry(b"b"))) == 2


def test_a_message_of_any_bytes_is_one_line():
    """The journal writes what is no text of one line with its length in front."""
    export = an_entry(b"a\nMESSAGE=b\n\n") + an_entry(b"\xff", is_binary=True)
    assert [json.loads(line)["MESSAGE"] for line in lines(export)] == ["a\nMESSAGE=b\n\n", "\\xff"]


def test_a_stream_of_json_gets_the_message_alone():
    """What is around it is no field of a booking."""
    assert lines(an_entry(b'{"id":\n1}') + an_entry(b"text"), is_json=True) == [b'{"id": 1}\n', b"text\n"]


def test_a_field_without_an_end_is_cut_and_an_entry_that_breaks_off_has_no_line_feed():
    """Who reads it waits for the rest, or takes it as the last line of a file."""
    [line] = lines(an_entry(b"x" * 5 * MOST)[:-1])
    assert MOST < len(line) < 2 * MOST
    assert not line.endswith(b"\n")


@given(st.lists(st.tuples(FIELDS, st.binary(max_size=20), st.booleans()), max_size=30), st.integers(1, 40))
def test_however_an_export_is_cut_into_pieces_its_lines_are_the_same(
    fields: list[tuple[bytes, bytes, bool]], size: int
):
    """A piece ends anywhere: in a name, in a length, between two entries."""
    export = b"".join(
        a_field(name, value, is_binary=is_binary) + (b"\n" if len(value) % 3 else b"")
        for name, value, is_binary in fields
    )
    assert lines(export, size) == lines(export)


@pytest.mark.parametrize(
    "export",
    [
        b"__CURSOR=a\nMESSAGE\n" + b"\xff" * 100_000,
        b"__CURSOR=a\nMESSAGE=" + b"a" * 100_000,
        b"__CURSOR=a\n" + b"\n" * 100_000,
        an_entry(b"x") * 1_000,
    ],
)
def test_who_waits_has_a_turn_for_each_piece(export: bytes):
    """One field of 64 MB was read without a pause, and as many line feeds took 50 s."""
    pieces = [export[at : at + 1_000] for at in range(0, len(export), 1_000)]
    assert len(list(journal_lines(iter(pieces), MOST, is_json=False))) >= len(pieces)


@given(st.binary(max_size=200), st.integers(1, 40))
def test_no_bytes_crash_it(raw: bytes, size: int):
    """An export is what somebody sends."""
    assert lines(b"__CURSOR=" + raw, size) == lines(b"__CURSOR=" + raw)
