"""Sorting: each event goes to its topic or to the dead letters, with a reason, and none is lost."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.catalogue.declared import INGESTED
from dataflow.errors import InvalidEvent
from dataflow.sources.sorting import MOST_CHARACTERS, Sorted, Sorter, sender_headers, structured_to_json

NOW_MS = 1_700_000_000_000
FIELDS = ("cp", "reqId", "UA")


def a_sorter(stream: str = "cdn-logs", *, fields=(), most=1_000, most_dead=2_000, forwarded=None) -> Sorter:
    """Return a sorter of one body."""
    return Sorter(
        INGESTED[stream],
        sender_headers("203.0.113.9", forwarded),
        now_ms=NOW_MS,
        most_bytes=most,
        most_dead_bytes=most_dead,
        structured_fields=fields,
    )


def sort(*events: bytes, **sorter) -> Sorted:
    """Sort them all at once."""
    made = a_sorter(**sorter)
    made.sort(events)
    return made.take()


def reasons(done: Sorted) -> list[str]:
    """Return why each dead letter is one."""
    return [dict(headers)["dataflow-reason"].decode() for *_, headers in done.dead]


def values(records) -> list[bytes]:
    """Return what goes out."""
    return [value for _, _, value, _ in records]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"garbage", "not_json"),
        (b'{"a":1', "not_json"),
        (b'{"a":1} x', "not_json"),
        (b"[1]", "not_an_object"),
        (b"5", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b'{"a":' * 5_000, "too_large"),
        (b'{"a":"' + b"x" * 1_000 + b'"}', "too_large"),
    ],
)
def test_what_is_no_json_object_is_a_dead_letter(raw: bytes, reason: str):
    """The rest of the body goes on."""
    done = sort(b'{"a":1}', raw, b'{"b":2}')
    assert values(done.good) == [b'{"a":1}', b'{"b":2}']
    assert reasons(done) == [reason]


def test_an_object_nested_too_deep_is_a_dead_letter():
    """It would overflow whoever reads it next."""
    assert reasons(sort(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, most=1 << 20)) == ["too_deep"]


@given(st.lists(st.binary(max_size=60)))
def test_every_event_ends_in_exactly_one_place(events: list[bytes]):
    """Whatever bytes come, none is lost and none is there twice."""
    done = sort(*events)
    assert sorted(values(done.good) + values(done.dead)) == sorted(events)


def test_good_lines_go_on_byte_for_byte():
    """Spaces, order and number formats are the sender's."""
    raw = b'{ "b" : 1.50, "a":"\\u00e9", "a": 2 }'
    assert sort(raw).good == [(NOW_MS, None, raw, [])]


def test_a_dead_letter_says_why_where_to_and_from_whom():
    """One command has to be able to replay it."""
    (_, key, value, headers) = sort(b"garbage", forwarded="198.51.100.7").dead[0]
    assert (key, value) == (None, b"garbage")
    assert dict(headers) == {
        "dataflow-stage": b"ingest",
        "dataflow-reason": b"not_json",
        "dataflow-detail": b"value is not JSON; JSON is malformed: invalid character (byte 0)",
        "dataflow-topic": b"cdn-logs",
        "dataflow-timestamp": b"1700000000000",
        "dataflow-sender": b"203.0.113.9",
        "dataflow-forwarded-for": b"198.51.100.7",
    }


def test_a_dead_letter_fits_into_its_topic():
    """One that the broker refuses would hold up the whole request, for ever."""
    done = sort(b"x" * 5_000, most_dead=2_000)
    assert values(done.dead) == [b"x" * 2_000]


def test_an_access_log_line_is_any_text_and_tells_who_sent_it():
    """What it says is for the stage to find out; who sent it nobody could say later."""
    line = b'203.0.113.1 - - [x] "\x16\x03\x01" 400 0 \xff'
    done = sort(line, stream="access-logs", forwarded="198.51.100.7, 10.0.0.1")
    assert done.good == [
        (
            NOW_MS,
            None,
            line,
            [("dataflow-sender", b"203.0.113.9"), ("dataflow-forwarded-for", b"198.51.100.7, 10.0.0.1")],
        )
    ]


def test_a_long_forwarded_for_is_cut():
    """It stands on every line: eight kilobytes of it would be an attack."""
    headers = dict(sender_headers("::1", "9" * 8_000))
    assert len(headers["dataflow-forwarded-for"]) == MOST_CHARACTERS


@pytest.mark.parametrize("line", [b"12345 1239f220 Mozilla%2F5.0", b"12345\t1239f220\tMozilla%2F5.0"])
def test_a_structured_line_becomes_the_json_of_its_fields(line: bytes):
    """Agents see one form, whichever the stream is set to."""
    done = sort(line, fields=FIELDS)
    assert orjson.loads(done.good[0][2]) == {"cp": "12345", "reqId": "1239f220", "UA": "Mozilla%2F5.0"}


def test_json_lines_stay_json_when_structured_fields_are_set():
    """Two streams with different formats may send to one worker."""
    assert values(sort(b'{"cp":"1"}', fields=FIELDS).good) == [b'{"cp":"1"}']
    assert reasons(sort(b'{"cp":"1"', fields=FIELDS)) == ["not_json"]


def test_a_structured_line_of_another_length_is_a_dead_letter():
    """Its values would stand under the wrong names."""
    assert reasons(sort(b"1 2", b"1 2 3 4", fields=FIELDS)) == ["unparsable", "unparsable"]


def test_a_structured_line_that_is_too_large_as_json_is_a_dead_letter():
    """Escapes double it: a record that the topic refuses fails all that is written with it, at each try."""
    fits, line = b"/a 7 " + b'"' * 400, b"/a 7 " + b'"' * 600
    done = sort(fits, line, fields=FIELDS)
    assert [orjson.loads(value)["UA"] for value in values(done.good)] == ['"' * 400]
    assert (values(done.dead), reasons(done)) == ([line], ["too_large"])


def test_a_structured_line_is_none_of_another_stream():
    """Only DataStream has the format."""
    assert reasons(sort(b"1 2 3", stream="bookings", fields=FIELDS)) == ["not_json"]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\t \n", exclude_categories=["Cs"])), min_size=3, max_size=3
    )
)
def test_structured_values_come_out_as_sent(sent: list[str]):
    """Quotes and backslashes are values like any other."""
    assert list(json.loads(structured_to_json("\t".join(sent).encode(), FIELDS)).values()) == sent


def test_structured_text_that_is_not_utf8_is_refused():
    """JSON cannot hold it."""
    with pytest.raises(InvalidEvent, match="not_utf8"):
        structured_to_json(b"\xff a b", FIELDS)
