"""Avro that says more than it holds: refused, before it is in memory or in a topic."""

import io
import json

import fastavro
import pytest

from dataflow.inputs.avro import avro_lines
from dataflow.inputs.input import UnreadableInput

EMPTY = {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}
ONE = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}


def a_record_of(field: object) -> dict[str, object]:
    """Return the schema of records with one field."""
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": field}]}


def a_number(value: int) -> bytes:
    """Return a number as Avro writes it."""
    written = io.BytesIO()
    fastavro.schemaless_writer(written, "long", value)
    return written.getvalue()


def a_container(schema: object, count: int, block: bytes) -> bytes:
    """Return a container of one block that says that it has so many records."""
    written = io.BytesIO()
    fastavro.writer(written, schema, [])
    head = written.getvalue()
    return head + a_number(count) + a_number(len(block)) + block + head[-16:]


def lines_in(container: bytes) -> list[bytes]:
    """Return the records as lines."""
    return b"".join(avro_lines("/in", iter([container]))).splitlines()


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("schema", "count", "block"),
    [
        (EMPTY, 1 << 50, b""),
        (ONE, 1 << 50, b"\x02"),
        (ONE, 2, b"\x02"),
        (a_record_of({"type": "array", "items": "null"}), 1, a_number(1 << 40)),
        (a_record_of({"type": "array", "items": EMPTY}), 1, a_number(1 << 40)),
        (
            a_record_of({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
            1,
            a_number(1 << 40),
        ),
        (a_record_of({"type": "map", "values": {"type": "array", "items": "null"}}), 1, b"\x00"),
    ],
)
def test_records_that_need_no_bytes_are_no_endless_input(schema: object, count: int, block: bytes):
    """A file of 200 bytes gave events for ever, or took all memory."""
    with pytest.raises(UnreadableInput, match="is broken Avro"):
        lines_in(a_container(schema, count, block))


def test_a_schema_that_is_nested_very_deep_is_told():
    """Not a fault of the worker."""
    deep = '{"type":"array","items":' * 800 + '"int"' + "}" * 800
    schema = f'{{"type":"record","name":"R","fields":[{{"name":"a","type":{deep}}}]}}'
    header = {"magic": b"Obj\x01", "meta": {"avro.schema": schema.encode()}, "sync": bytes(16)}
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(HEADER), header)
    with pytest.raises(UnreadableInput, match="is broken Avro"):
        lines_in(written.getvalue() + a_number(1) + a_number(1) + b"\0" + bytes(16))


HEADER = {
    "type": "record",
    "name": "H",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "M", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "S", "size": 16}},
    ],
}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("int", [1, -1]),
        (["null", "int"], [None, 3]),
        ({"type": "array", "items": ["null", "int"]}, [[], [None, 1]]),
        ({"type": "map", "values": "null"}, [{}, {"a": None}]),
        ({"type": "enum", "name": "E", "symbols": ["a"]}, ["a", "a"]),
        (["null", "R"], [None, {"a": None}]),
    ],
)
def test_records_of_few_bytes_are_read(field: object, values: list[object]):
    """As many as there are; a record may also hold one of its own kind."""
    written = io.BytesIO()
    fastavro.writer(written, a_record_of(field), [{"a": value} for value in values])
    assert [json.loads(line) for line in lines_in(written.getvalue())] == [{"a": value} for value in values]
