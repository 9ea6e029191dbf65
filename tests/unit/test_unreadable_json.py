"""Unreadable JSON: bytes that are no UTF-8, and what is nested too deep, are faults as any other."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sinks.sink_records import a_record

from dataflow.audit import audit_entry
from dataflow.errors import InvalidEvent
from dataflow.http_error import HttpError
from dataflow.kafka.types import TopicPartition
from dataflow.sinks.postgres.rows import compile_rows
from dataflow.sinks.postgres.tables import TABLES, Table
from dataflow.sources.lease import LeaseLog
from dataflow.web.json_texts import texts_of

ROOT = Path(__file__).parents[2]
DEEP = b"[" * 3_000 + b"]" * 3_000
UNREADABLE = (b'"\xff"', DEEP)

OF_MSGSPEC = {"MsgspecError", "DecodeError"}
CHECKED_BEFORE = {
    "dataflow/engine/decoding.py",  # names the others beside it
    "dataflow/sinks/opensearch/documents.py",  # of a value that was read before
    "dataflow/sources/body_events.py",  # looks into no text
    "dataflow/stages/access_log/collected.py",  # of a text
    "dataflow/stages/access_log/json_format.py",  # the same
    "dataflow/stages/datastream2/sent.py",  # names the others beside it
}
"""What catches errors of msgspec alone, and why nothing else is raised there."""


@pytest.mark.parametrize("raw", UNREADABLE)
def test_a_line_of_a_dry_run_that_cannot_be_read_is_named(raw: bytes):
    """A byte that is no UTF-8 in one of them was answered with 500."""
    with pytest.raises(HttpError, match=r"lines\[1\] is .*; expected a text"):
        list(texts_of("lines", b'["a", %b]' % raw))


@pytest.mark.parametrize("raw", UNREADABLE)
def test_an_audit_record_that_cannot_be_read_hides_no_other(raw: bytes):
    """One that somebody had written past the program would have closed the audit log for good."""
    entry = audit_entry(b'{"author": "ann", "action": %b}' % raw, 0)
    assert (entry.action, entry.author) == ("(written past the program)", "(unknown)")


@pytest.mark.parametrize("raw", [b'{"action": "start", "holder": "\xff"}', DEEP])
def test_a_record_of_a_lease_that_cannot_be_read_has_no_effect(raw: bytes):
    """It kept everybody from simulating events."""
    log = LeaseLog(TopicPartition("t", 0), None, None)  # type: ignore[arg-type]  # asks no broker here
    assert not log.apply(a_record(0, raw))
    assert log.apply(a_record(1, b'{"action": "start", "holder": "h"}'))


@pytest.mark.parametrize("raw", [*UNREADABLE, b'{"a": "\xff"}', b'{"\xff": 1}', b'{"a":%b}' % DEEP])
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_row_that_cannot_be_read_is_a_dead_letter(table: Table, raw: bytes):
    """Written to the topic past the program, it ended each worker that stores it in PostgreSQL."""
    row_of = compile_rows(table)
    for name in (table.time, *table.columns.values(), "unknown"):
        for other in (b"1", b'"x"', b"null"):
            members = dict.fromkeys(table.columns.values(), other) | {name: raw}
            value = b", ".join(b'"%b": %b' % (column.encode(), text) for column, text in members.items())
            with suppress(InvalidEvent):
                row_of(a_record(0, b"{%b}" % value))


def catches(path: Path) -> Iterator[str]:
    """Yield the names in the `except` clauses of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield from (each.attr for each in ast.walk(node.type) if isinstance(each, ast.Attribute))


def test_errors_of_msgspec_are_caught_together_with_what_else_it_raises():
    """`UnicodeDecodeError` and `RecursionError` are none of its own: eight places forgot them."""
    files = (path for path in (ROOT / "dataflow").rglob("*.py") if OF_MSGSPEC & {*catches(path)})
    assert {str(path.relative_to(ROOT)) for path in files} == CHECKED_BEFORE
