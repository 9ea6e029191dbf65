"""Splicing: what a producer sent stays byte for byte; the fields stand in it once."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.json_members import take_apart
from dataflow.engine.splice import Added, append, splice
from dataflow.errors import InvalidEvent

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
names = st.sampled_from(["a", "x", "y", "ä", 'q"', "\\", ""])
gaps = st.text(" \t\r\n", max_size=2).map(str.encode)


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """Return a JSON object with any white space, escapes, nesting and duplicates."""
    pairs = []
    for name, value in draw(st.lists(st.tuples(names, values), max_size=5)):
        label = orjson.dumps(name)
        if draw(st.booleans()) and name.isalpha() and name.isascii():
            label = b'"\\u%04x"' % ord(name)
        pairs.append(
            b"".join((draw(gaps), label, draw(gaps), b":", draw(gaps), orjson.dumps(value), draw(gaps)))
        )
    return b"".join((draw(gaps), b"{", draw(gaps), b",".join(pairs), b"}", draw(gaps)))


@given(objects(), st.dictionaries(st.sampled_from(["x", "y"]), scalars))
def test_splicing_equals_decoding_adding_and_encoding(raw: bytes, fields: dict[str, object]) -> None:
    """The short way and the long way agree, whatever is there already."""
    assert orjson.loads(splice(raw, Added(**fields))) == orjson.loads(raw) | fields


@given(objects())
def test_every_byte_that_is_not_the_field_stays(raw: bytes) -> None:
    """Taking the added fields out again gives the members as they were sent."""
    sent = [m for m in take_apart(raw).members if m.name not in ("x", "y")]
    spliced = take_apart(splice(raw, Added(x=1, y="é")))
    kept = [m for m in spliced.members if m.name not in ("x", "y")]
    assert [m[2:] for m in kept] == [m[2:] for m in sent]
    assert sorted(m.name for m in spliced.members if m.name in ("x", "y")) == ["x", "y"]
    assert (spliced.head, spliced.rest) == (take_apart(raw).head, take_apart(raw).rest)


@given(objects())
def test_an_object_taken_apart_joins_to_the_same_bytes(raw: bytes) -> None:
    """Nothing is lost between the members."""
    assert take_apart(raw).rewrite(lambda member: member.value) == raw
    assert splice(raw, Added()) == raw


@given(objects().filter(lambda raw: not {"x", "y"} & orjson.loads(raw).keys()))
def test_appending_is_splicing_where_no_field_is_there(raw: bytes) -> None:
    """The fast way differs in speed alone: same members, white space kept."""
    added = Added(x="s", y=None)
    assert append(raw, added) == splice(raw, added)


@given(st.binary() | st.binary().map(lambda b: b"{" + b))
def test_no_bytes_crash_the_splicing(raw: bytes) -> None:
    """What is no object is an invalid event, nothing else."""
    with suppress(InvalidEvent):
        splice(raw, Added(x=1))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":1}', b'{"a":1, "x": "s"}'),
        (b"{}", b'{"x": "s"}'),
        (b" { }\n", b' {"x": "s" }\n'),
        (b'{"a":1 }\r\n', b'{"a":1, "x": "s" }\r\n'),
        (b'{"x":{"x":[1,"}"]},"a":1}', b'{"x":"s","a":1}'),
        (b'{ "x" : 1 , "a":1.0, "x":2}', b'{ "x" : "s" , "a":1.0}'),
        (b'{"a":{"x":1}}', b'{"a":{"x":1}, "x": "s"}'),
        (b'{"\\u0078":1}', b'{"\\u0078":"s"}'),
        (b'{"a":"\\"}, \\"x\\": 1"}', b'{"a":"\\"}, \\"x\\": 1", "x": "s"}'),
    ],
)
def test_fields_stand_where_they_should(raw: bytes, expected: bytes) -> None:
    """A new field goes last; one already there is replaced in place, once."""
    assert splice(raw, Added(x="s")) == expected


def test_megabytes_of_nesting_are_walked_without_recursion() -> None:
    """The walk over a value is a loop: depth costs time, never the stack."""
    raw = b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b',"x":1}'
    assert splice(raw, Added(x=2)) == raw.replace(b'"x":1', b'"x":2')


def test_added_fields_are_told_apart_by_identity() -> None:
    """They are shared and counted by what they are, not by comparing their contents."""
    assert Added(x=1) != Added(x=1)
    assert Added(x="é").tail == ', "x": "é"}'.encode()
