"""Events of a body: lines, arrays, one object, pings; cut into pieces wherever it may be."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.http_error import HttpError
from dataflow.sources import body_events, element_end
from dataflow.sources.body_events import (
    ArrayFault,
    elements,
    is_array,
    is_ping,
    json_events,
    read_head,
    split_lines,
    walked_elements,
)
from dataflow.sources.inflate import PIECE_BYTES

MOST_LINE, MOST_ARRAY = 1_000, 1 << 20

T = TypeVar("T")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def events_of(body: bytes) -> list[bytes]:
    """Return all events of a body."""
    head, rest = read_head(iter([body]), PIECE_BYTES)
    return [event for some in json_events(head, rest, MOST_LINE, MOST_ARRAY) for event in some]


def before_the_fault(walk: Iterator[T]) -> tuple[list[T], ArrayFault | None]:
    """Return what is yielded, and the fault that ends it."""
    found: list[T] = []
    try:
        for one in walk:
            found.append(one)  # noqa: PERF402  # `list` would lose what came before the fault
    except ArrayFault as fault:
        return found, fault
    return found, None


def lines_of(*pieces: bytes, most: int = MOST_LINE) -> list[bytes]:
    """Return all lines of a body that comes in pieces."""
    return [line for some in split_lines(pieces, most) for line in some]


@given(
    lines=st.lists(
        st.builds(
            bytes.__add__,
            st.sampled_from([b"", b"\xef\xbb\xbf"]),
            st.binary(max_size=50).filter(lambda line: b"\n" not in line and not line.endswith(b"\r")),
        )
    ),
    cuts=st.lists(st.integers(0, 2_000), max_size=10),
    end=st.sampled_from([b"\n", b"\r\n"]),
    closed=st.booleans(),
)
def test_lines_are_the_same_wherever_a_body_is_cut(lines, cuts, end, closed):
    """The network cuts where it likes; the last line may lack its end.

    NULs in front are a hole of a file, a byte order mark is the begin of one.
    """
    body = end.join(lines) + (end if closed else b"")
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    whole = [line.lstrip(b"\0").removeprefix(b"\xef\xbb\xbf") for line in lines]
    assert lines_of(*pieces) == [line for line in whole if line.strip()]


def test_a_hole_longer_than_any_line_may_be_costs_no_line():
    """A log that was truncated while its writer was at 10 GB begins with as many NULs."""
    hole = b"\0" * 1_000
    assert lines_of(b"first\n" + hole, hole, hole + b"second\nth", b"\0rd\n", most=10) == [
        b"first",
        b"second",
        b"th\0rd",
    ]


@pytest.mark.parametrize(("length", "kept"), [(10, 10), (11, 11), (12, 11), (1_000, 11)])
def test_a_line_is_held_to_its_bound_and_shows_that_it_was_longer(length: int, kept: int):
    """A line that never ends would fill the memory."""
    line = b"x" * length
    assert lines_of(line + b"\nnext\n", most=10) == [line[:kept], b"next"]
    assert lines_of(*(line[at : at + 3] for at in range(0, length, 3)), b"\nnext", most=10) == [
        line[:kept],
        b"next",
    ]


def test_a_return_at_the_bound_does_not_make_a_long_line_short():
    """Cut off there, it would look as if it was whole."""
    assert lines_of(b"x" * 10 + b"\ryz\n", most=10) == [b"x" * 10 + b"\r"]


@given(values=st.lists(json_values), indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_elements_of_an_array_are_its_elements(values, indent, ascii_only):
    """Each in its own bytes, whatever white space is around them."""
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    found = list(elements(b" \n" + text + b"\n"))
    assert [json.loads(element) for element in found] == values
    assert all(element in text for element in found)


@pytest.mark.parametrize(
    ("text", "good", "rest"),
    [
        (b"[", [], b""),
        (b"[1, 2", [b"1"], b"2"),
        (b"[1 2]", [], b"1 2]"),
        (b"[1,]", [b"1"], b"]"),
        (b'[{"a":1},{"b":2]', [b'{"a":1}'], b'{"b":2]'),
        (b"[1]]", [b"1"], b"]"),
        (b"[1] x", [b"1"], b"x"),
        (b"[,1]", [], b",1]"),
        (b'["open', [], b'"open'),
    ],
)
def test_an_array_that_goes_wrong_keeps_what_stands_before(text, good, rest):
    """The rest is one dead letter, from where the fault begins."""
    found, fault = before_the_fault(elements(text))
    assert fault is not None
    assert (found, fault.rest) == (good, rest)


@given(text=st.text(alphabet='[]{},:" \\1an\n').map(lambda text: ("[" + text).encode()))
def test_no_array_makes_it_hang_or_fail_otherwise(text):
    """Possessive patterns: nothing is tried twice."""
    _, fault = before_the_fault(elements(text))
    assert fault is None or text.endswith(fault.rest)


def in_steps(text: bytes, size: int) -> tuple[list[bytes], tuple[int, bytes] | None]:
    """Return the elements, and what goes wrong where, of an array that is walked in steps of a size."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (body_events, element_end):
            patched.setattr(module, "STEP_BYTES", size)
        found, fault = before_the_fault(walked_elements(text))
    return [each for each in found if each], None if fault is None else (len(fault.rest), fault.rest)


@given(
    text=st.text(alphabet='[]{},:" \\1an\n').map(lambda text: ("[" + text).encode()), size=st.integers(2, 9)
)
def test_elements_are_the_same_however_short_the_steps_are(text, size):
    """A step ends anywhere: in a number, in a string, behind a backslash."""
    assert in_steps(text, size) == in_steps(text, 1_000)


@pytest.mark.parametrize(
    "element",
    [
        b'"' + b"x" * 1_000_000 + b'"',
        b'"' + b'\\"' * 500_000 + b'"',
        b"1" * 1_000_000,
        b"[" + b"[]," * 300_000 + b"1]",
    ],
    ids=["text", "escapes", "number", "array"],
)
def test_who_waits_has_a_turn_while_a_long_element_is_walked(element: bytes):
    """A body of 137 KB, 30 MB of brackets once unpacked, held everything else up for 5.7 s."""
    steps = list(walked_elements(b"[" + element + b"]"))
    assert [each for each in steps if each] == [element]
    assert len(steps) > len(element) // element_end.STEP_BYTES


def test_an_array_that_is_deeper_than_anybody_reads_goes_wrong():
    """To count all of its brackets costs seconds."""
    found, fault = before_the_fault(walked_elements(b"[" * (2 * element_end.MOST_DEPTH)))
    assert fault is not None
    assert not any(found)


def test_a_long_string_or_a_deep_array_is_no_burden():
    """What would overflow a recursive reader."""
    assert list(elements(b'["' + b"x" * 1_000_000 + b'"]')) == [b'"' + b"x" * 1_000_000 + b'"']
    deep = b"[" * 50_000 + b"]" * 50_000
    assert list(elements(b"[" + deep + b"]")) == [deep]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}', [b'{"a":1}']),
        (b'{\n  "a": 1\n}\n', [b'{\n  "a": 1\n}']),
        (b'{"a":\n1}\n{"b":2}', [b'{"a":', b"1}", b'{"b":2}']),
        (b'[{"a":1},\n {"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b" [ ] ", []),
        (b"", []),
        (b"\n \n", []),
        (b'\xef\xbb\xbf{"a":1}', [b'{"a":1}']),
        (b'\xef\xbb\xbf{\n"a": 1\n}', [b'{\n"a": 1\n}']),
        (b'\xef\xbb\xbf[{"a":1}]', [b'{"a":1}']),
        (b'\xef\xbb\xbf{"a":1}\r\n\xef\xbb\xbf{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
    ],
)
def test_every_form_of_a_body_is_read(body: bytes, events: list[bytes]):
    """NDJSON, one object, an object over several lines, an array; what Windows writes begins with a mark."""
    assert events_of(body) == events


def test_events_before_the_fault_of_an_array_are_not_lost():
    """They were sent in one go with what is broken."""
    head, rest = read_head(iter([b"[" + b"1," * 250 + b"x y]"]), PIECE_BYTES)
    found, fault = before_the_fault(json_events(head, rest, MOST_LINE, MOST_ARRAY))
    assert fault is not None
    assert [event for some in found for event in some] == [b"1"] * 250


def test_a_large_array_is_refused_before_it_is_held():
    """It can only be read whole; lines need not be."""
    piece = b"[" + b"1," * PIECE_BYTES
    head, rest = read_head(iter([piece] * 20), PIECE_BYTES)
    with pytest.raises(HttpError, match="array is more than"):
        list(json_events(head, rest, MOST_LINE, MOST_ARRAY))


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_validation":true}',
        b' {"access_validation" : true}\r\n',
        b'[{"access_validation":true}]',
        b"0,access_validation",
        b"0,access_validation\n",
    ],
)
def test_the_ping_of_datastream_is_known(body: bytes):
    """Saving a stream fails without a 2xx, and it is no log line."""
    assert is_ping(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_validation":false}',
        b'{"access_validation":true,"cp":"1"}',
        b'{"UA":"access_validation"}',
        b"1,access_validation",
        b"",
    ],
)
def test_a_line_that_only_looks_like_the_ping_is_data(body: bytes):
    """A line that vanished would be lost."""
    assert not is_ping(body)


def test_what_begins_like_an_array_is_one():
    """White space may stand before it."""
    assert is_array(b" \n[1]")
    assert not is_array(b'{"a":[1]}')
