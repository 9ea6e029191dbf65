"""Record lines: arrays of log entries become lines, in pieces of any size, and lose nothing."""

import json

import pytest

from dataflow.errors import DataflowError
from dataflow.sources.record_lines import begins_in_records, record_lines

ENTRIES = [b'{"a":"]},{\\"records\\":["}', b'{"b":{"c":[1,{}]}}', b"{}", b'{"records":1}']
SIZES = [1, 7, 100, 10**6]


def lines(raw: bytes, size: int, most: int = 1 << 20) -> list[bytes]:
    """Return the lines of a body that comes in such pieces."""
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    return b"".join(record_lines(pieces, most)).split(b"\n")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "form", [b"[%b]", b'{"records":[%b]}', b'\n{ "records" :\n[\n%b\n]\n}\n', b'{"records":[%b]}\n' * 2]
)
@pytest.mark.parametrize("comma", [b",", b"\n  ,\r\n", b']}\n{"records" : ['])
def test_each_object_is_a_line(size, form, comma):
    """Azure has written all of these: one object of records, and one behind another."""
    raw = form.replace(b"%b", comma.join(ENTRIES))
    assert [line for line in lines(raw, size) if line] == ENTRIES * form.count(b"%b")


@pytest.mark.parametrize("size", SIZES)
def test_an_object_over_several_lines_becomes_one(size):
    """As `gcloud --format=json` writes them."""
    raw = json.dumps([{"a": {"b": 1}}, {"c": "\n"}], indent=2).encode()
    assert [json.loads(line) for line in lines(raw, size) if line] == [{"a": {"b": 1}}, {"c": "\n"}]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rest", [b"5,{}]", b'"a"]', b"192.0.2.1 - -\nx\n"])
def test_what_is_no_object_is_passed_on_with_all_behind_it(size, rest):
    """It becomes a dead letter, and is not left out."""
    assert b"\n".join(lines(b'[{"a":1},' + rest, size)) == b'{"a":1}\n' + rest


@pytest.mark.parametrize("size", SIZES)
def test_an_object_without_an_end_has_no_line_feed(size):
    """Of a file that grows the rest is waited for."""
    assert lines(b'[{"a":1},{"b":', size) == [b'{"a":1}', b'{"b":']


def test_an_object_that_is_too_long_is_passed_on():
    """A line is held back up to a size."""
    raw = b'[{"a":1},{"b":"' + b"a" * 2_000 + b'"}]'
    assert lines(raw, 100, most=500) == [b'{"a":1}', raw[9:]]


def test_objects_before_damage_are_given():
    """They are whole, also if one in front of them was not yet when they came."""

    def pieces():
        yield b'[{"a":"' + b"a" * 100
        yield b'"},{"b":1},{"c'
        raise DataflowError("broken")

    got = record_lines(pieces(), 1 << 20)
    assert b"".join(next(got) for _ in range(3)) == b'{"a":"' + b"a" * 100 + b'"}\n{"b":1}\n'
    with pytest.raises(DataflowError):
        next(got)


@pytest.mark.parametrize("head", [b'[{"a"', b" \n[ {}]", b'{"records":[', b'{\n "records" : [{'])
def test_arrays_of_objects_are_known_by_their_begin(head):
    """Also of no object at all."""
    assert begins_in_records(head)


@pytest.mark.parametrize(
    "head", [b"[2023-01-02T", b"[pid: 1", b'{"records":1', b'{"recordsA":[', b'{"a":[{"b"', b"[GIN] ", b"[1"]
)
def test_lines_of_text_are_none(head):
    """Envoy, uWSGI and others begin with a bracket."""
    assert not begins_in_records(head)
