"""Decoding: what is no event is found, and named by one reason of a closed set."""

import re
from contextlib import suppress

import faust
import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.engine.decoding import DECODING_ERRORS, compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.errors import InvalidEvent, Misconfigured, Reason


class Order(faust.Record, include_metadata=False):
    """What the tests decode."""

    number: int
    buyer: str | None = None
    weight: float | None = None


decoder = compile_decoder(Order, reads=("number", "buyer"), adds=("class", "size"))
DEEP = b'{"number":1,"more":' + b"[" * 1_000_000


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b" \n", Reason.EMPTY),
        (b"null", Reason.NOT_AN_OBJECT),
        (b"5", Reason.NOT_AN_OBJECT),
        (b"[]", Reason.NOT_AN_OBJECT),
        (b'"text"', Reason.NOT_AN_OBJECT),
        (b"true", Reason.NOT_AN_OBJECT),
        (b"not json", Reason.NOT_JSON),
        (b'{"number":1', Reason.NOT_JSON),
        (b'{"number":1}{', Reason.NOT_JSON),
        (b'{"number":"1"', Reason.NOT_JSON),
        (b'\xef\xbb\xbf{"number":1}', Reason.NOT_JSON),
        (b'{"number":1,"more":"\\ud800"}', Reason.NOT_JSON),
        (b'{"number":1,"buyer":"\xff"}', Reason.NOT_UTF8),
        (b'{"number":1,"more":"\xff"}', Reason.NOT_UTF8),
        (b'{"number":1,"\xff":1}', Reason.NOT_UTF8),
        (b"{}", Reason.MISSING_FIELD),
        (b'{"number":null}', Reason.WRONG_TYPE),
        (b'{"number":"1"}', Reason.WRONG_TYPE),
        (b'{"number":1.0}', Reason.WRONG_TYPE),
        (b'{"number":true}', Reason.WRONG_TYPE),
        (b'{"number":1,"buyer":2}', Reason.WRONG_TYPE),
        (DEEP, Reason.TOO_DEEP),
        (DEEP + b"]" * 1_000_000 + b"}", Reason.TOO_DEEP),
    ],
)
def test_every_fault_has_its_reason(raw: bytes | None, reason: Reason) -> None:
    """The reason says what is wrong with the bytes, in fields that are skipped too."""
    with pytest.raises(InvalidEvent) as caught:
        decoder.read(raw)
    assert caught.value.reason is reason


def test_only_what_is_read_is_there_and_null_where_absent() -> None:
    """A field that is not read costs nothing: the event does not have it."""
    order = decoder.read(b'{"weight":"heavy","number":7,"number":8}')
    assert (order.number, order.buyer) == (8, None)
    assert not hasattr(order, "weight")


@pytest.mark.parametrize("there", [b'"class":1', b'"size":null', b'"cl\\u0061ss":"a","size":{}'])
def test_a_field_has_added_field_is_noticed(there: bytes) -> None:
    """Whatever its value and however its name is written."""
    one = compile_decoder(Order, reads=("number",), adds=("class",))
    assert decoder.has_added_field(decoder.read(b'{"number":1,' + there + b"}"))
    assert bool(one.has_added_field(one.read(b'{"number":1,' + there + b"}"))) == (b"cl" in there)
    assert not decoder.has_added_field(decoder.read(b'{"number":1}'))
    assert not one.has_added_field(one.read(b'{"number":1}'))


@pytest.mark.parametrize(("reads", "adds"), [(["nr"], []), (["number"], ["number"])])
def test_a_field_that_cannot_be_read_is_refused(reads: list[str], adds: list[str]) -> None:
    """A misspelt name would read null for ever."""
    with pytest.raises(Misconfigured, match="expected a field of Order"):
        compile_decoder(Order, reads, adds)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text() | st.sampled_from(["number", "buyer"]), v),
)
# Bytes that are nearly JSON find more than random ones.
nearly_json = st.lists(
    st.sampled_from([b"{", b"}", b"[", b"]", b'"', b":", b",", b"1", b"-", b".", b"e", b"0", b"\\"])
    | st.sampled_from([b"\\u", b"d800", b"null", b"true", b'"number"', b" ", b"\x00", b"\xff"])
    | st.sampled_from([b"\xc3", b"\xa9", b"\x1f", b"\x7f", b"+", b"E", b"/", b"\n"])
).map(b"".join)
# Valid by RFC 8259, refused by orjson alone: numbers beyond what a double can hold.
HUGE_NUMBER = re.compile(rb"[0-9]{300}|[eE]\+?[0-9]{3}")


@given(st.binary() | nearly_json | nearly_json.map(lambda b: b'{"number":1,"m":' + b + b"}"))
@example(b'{"number":1,"m":01}')
@example(b'{"number":1,"m":"\x01"}')
@example(b'{"number":1,"m":"\\udc00"}')
@example(b'{"number":1,"m":1.}')
def test_what_is_passed_on_is_json_for_another_reader_too(raw: bytes) -> None:
    """What the decoder skips must be valid all the same, or the event is invalid."""
    try:
        decoder.read(raw)
    except InvalidEvent:
        return
    if not HUGE_NUMBER.search(raw):
        assert isinstance(orjson.loads(raw), dict)


@given(json_values)
def test_no_json_crashes_the_decoder(value: object) -> None:
    """An event or an `InvalidEvent`, whatever the shape."""
    with suppress(InvalidEvent):
        assert isinstance(decoder.read(msgspec.json.encode(value)).number, int)


def test_the_bare_decoder_and_fault_together_say_the_same() -> None:
    """The batch loop uses them inline."""
    with pytest.raises(DECODING_ERRORS) as caught:
        decoder.decode(b'{"number":"1"')
    assert decoder.fault(caught.value, b'{"number":"1"').reason is Reason.NOT_JSON


def test_a_bug_is_no_fault_of_the_event() -> None:
    """An error that the bytes do not explain is raised, never dead-lettered."""
    with pytest.raises(TypeError):
        decoder.fault(TypeError("bug"), b'{"number":1}')


def test_an_enrichment_gives_the_line_with_its_fields() -> None:
    """Decoder, stage and splice in a row; a field already there is replaced."""
    enrich = EnrichStage(
        "double",
        compile_decoder(Order, ["number"], ["twice"]),
        lambda order: Added(twice=2 * order.number),
    )
    assert enrich(b'{"number":2, "n":1.0}') == b'{"number":2, "n":1.0, "twice": 4}'
    assert enrich(b'{"twice":0,"number":2}') == b'{"twice":4,"number":2}'
