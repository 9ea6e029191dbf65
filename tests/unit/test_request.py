"""Requests and event time: what is counted of a CDN line, whatever its values look like."""

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.decoding import compile_decoder
from dataflow.errors import InvalidEvent
from dataflow.stages.event_time import UNDATED, epoch_seconds_ms, iso_ms, parse_iso
from dataflow.stages.filter_rules import READS, read_request
from dataflow.stages.request import Request, bytes_of, endpoint_of, request_of, status_of
from models.cdn_log import CdnLog

decoder = compile_decoder(CdnLog, READS)


def test_a_line_of_texts_and_a_line_of_numbers_are_the_same_request() -> None:
    """Senders write numbers as text, or not."""
    texts = b'{"reqTimeSec":"1645568187.280","reqPath":"a","statusCode":"503","bytes":"12"}'
    numbers = b'{"reqTimeSec":1645568187.280,"reqPath":"/a","statusCode":503.0,"bytes":12}'
    expected = Request(1_645_568_187_280, "/a", "503", True, 12, site="503 (none) (none)")
    assert request_of(decoder.read(texts)) == expected
    assert request_of(decoder.read(numbers)) == expected


def test_a_line_of_nothing_is_a_request_all_the_same() -> None:
    """It was received, so it is counted."""
    assert request_of(decoder.read(b"{}")) == Request(UNDATED, "(none)", "(none)", False, 0)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("a/b", "/a/b"),
        ("/a/b", "/a/b"),
        ("//a", "/a"),
        ("/", "/"),
        ("/a?b=c?d", "/a"),
        ("?b", "/"),
        ("/a%3Fb", "/a?b"),
        ("/a%20b%2520", "/a b%20"),
        ("/100%", "/100%"),
        ("/%zz%ff", "/%zz\\xff"),
        ("/%00", "/%00"),
        ("/a+b", "/a+b"),
        ("", "/"),
        ("-", "/"),
        ("^", "(none)"),
        (None, "(none)"),
    ],
)
def test_an_endpoint_is_the_path_alone(path: str | None, endpoint: str) -> None:
    """Decoded once, leniently; one leading slash; no query."""
    assert endpoint_of(path) == endpoint


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001%3Adb8%3A%3A1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("a:b", "a:b"),
        ("-", None),
        ("^", None),
        ("", None),
    ],
)
def test_a_client_is_that_of_the_typed_form(sent: str, client: str | None) -> None:
    """Tables and what is stored of a line must name one and the same client."""
    assert request_of(CdnLog(cliIP=sent)).client == client


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("499", ("499", False)),
        ("500", ("500", True)),
        (" 503 ", ("503", True)),
        ("0", ("0", False)),
        ("0503", ("503", True)),
        ("abc", ("(none)", False)),
        ("-", ("(none)", False)),
        ("", ("(none)", False)),
        (None, ("(none)", False)),
    ],
)
def test_errors_begin_at_500(status: str | None, expected: tuple[str, bool]) -> None:
    """A client's fault is no error of the service."""
    assert status_of(status) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("4995", 4995),
        (4995, 4995),
        (4995.0, 4995),
        ("12.9", 12),
        ("", 0),
        ("-", 0),
        ("^", 0),
        (None, 0),
        ("-5", 0),
        (-5, 0),
        ("x", 0),
        ("²", 0),
        (True, 0),
        ("9" * 5000, 0),
    ],
)
def test_what_is_no_size_counts_no_bytes(size: str | float | None, expected: int) -> None:
    """Every form of *no value*, and garbage."""
    assert bytes_of(size) == expected


@pytest.mark.parametrize(
    ("turnaround", "ms"),
    [
        ("10", 12.0),
        (10, 12.0),
        ("nan", None),
        ("inf", None),
        (-1e308, None),
        (10**400, None),
        (None, None),
        ("-", None),
        ("x", None),
    ],
)
def test_what_is_no_time_to_respond_is_not_counted(turnaround: str | float | None, ms: float | None) -> None:
    """NaN would spoil the quantiles of all lines, and one too large for a float stopped the worker."""
    line = {"turnAroundTimeMSec": turnaround, "reqEndTimeMSec": "1", "transferTimeMSec": 1}
    assert read_request(json.dumps(line).encode()).response_time_ms == ms


@pytest.mark.parametrize(
    ("seconds", "ms"),
    [
        ("1573840000", 1_573_840_000_000),
        ("1645568187.280", 1_645_568_187_280),
        ("1645568187.28", 1_645_568_187_280),
        ("1645568187.2809", 1_645_568_187_280),
        ("1645568187.", 1_645_568_187_000),
        (1573840000, 1_573_840_000_000),
        (1645568187.283, 1_645_568_187_283),
        ("31536000", 31_536_000_000),
        ("31535999.999", UNDATED),
        ("-1", UNDATED),
        ("", UNDATED),
        ("-", UNDATED),
        (".5", UNDATED),
        ("1e9", UNDATED),
        ("1645568187.2x", UNDATED),
        ("1.6.4", UNDATED),
        (None, UNDATED),
        (True, UNDATED),
        ("nan", UNDATED),
        ("1_573_840_000", UNDATED),
        ("9" * 5000, UNDATED),
        (1e300, UNDATED),
    ],
)
def test_epoch_seconds_keep_their_milliseconds(seconds: object, ms: int) -> None:
    """Text or number; what cannot be read is undated, never now."""
    assert epoch_seconds_ms(seconds) == ms


@given(st.integers(31_536_000_000, 10**13))
def test_no_millisecond_is_lost_to_a_float(ms: int) -> None:
    """As text and as the number a JSON reader makes of it."""
    text = f"{ms // 1000}.{ms % 1000:03}"
    assert epoch_seconds_ms(text) == epoch_seconds_ms(float(text)) == ms


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2015-06-03 19:48:21", datetime(2015, 6, 3, 19, 48, 21, tzinfo=UTC)),
        ("2015-06-03T19:48:21Z", datetime(2015, 6, 3, 19, 48, 21, tzinfo=UTC)),
        ("2015-06-03 19:48:21.425855", datetime(2015, 6, 3, 19, 48, 21, 425000, tzinfo=UTC)),
        (
            "2015-06-03T19:48:21+02:00",
            datetime(2015, 6, 3, 19, 48, 21, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("1971-01-01 00:00:00", datetime(1971, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_iso_times_are_utc_unless_they_say_otherwise(text: str, at: datetime) -> None:
    """Space or T, fraction or not, zone or not."""
    assert iso_ms(text) == round(at.timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        "2015",
        "20150603T194821",
        "2015-W23-3T00:00",
        "2161-10-00 00:00:00",
        "2015-06-03x19:48:21",
        "2015-06-03 25:00:00",
        "1970-12-31 23:59:59",
        "0001-01-01T00:00+23:59",
    ],
)
def test_what_is_no_time_is_undated(text: str | None) -> None:
    """Unreadable, or before 1971; a wrong time must not become a right one."""
    assert iso_ms(text) == UNDATED


@given(st.text())
def test_no_text_crashes_the_clock_readers(text: str) -> None:
    """Remembered or computed, the instant is the same."""
    assert iso_ms(text) == parse_iso(text)
    assert epoch_seconds_ms(text) >= UNDATED


json_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(READS, json_values)))
def test_no_line_crashes_the_reading_of_a_request(line: dict[str, object]) -> None:
    """Every value a sender may write gives a request."""
    try:
        request = request_of(decoder.read(msgspec.json.encode(line)))
    except InvalidEvent:
        pytest.fail("no value of a scalar type makes a line invalid")
    assert request.bytes >= 0
