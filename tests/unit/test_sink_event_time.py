"""The event time by which sinks order what they store."""

import pytest
from sinks.sink_records import a_record

from dataflow.errors import InvalidEvent, Reason
from dataflow.sinks.event_time import DAY_MS, compile_reader

ARRIVED_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("topic", "value", "at_ms"),
    [
        ("access-logs-parsed", b'{"ts": "2015-05-17T10:05:03Z"}', 1_431_857_103_000),
        ("cdn-logs-filtered", b'{"reqTimeSec": "1645568187.280"}', 1_645_568_187_280),
        ("cdn-logs-filtered", b'{"reqTimeSec": 1645568187}', 1_645_568_187_000),
        ("enriched-web-events", b'{"event_timestamp": "2026-09-21 14:13:20.5"}', ARRIVED_MS + 500),
        ("anything", b'{"ts": "2015-05-17T10:05:03Z"}', ARRIVED_MS),
        ("access-logs-parsed", b"{}", ARRIVED_MS),
        ("access-logs-parsed", b'{"ts": ["x"]}', ARRIVED_MS),
        ("access-logs-parsed", b'{"ts": "soon"}', ARRIVED_MS),
        ("access-logs-parsed", b'{"ts": "1960-01-01T00:00:00Z"}', ARRIVED_MS),
        ("cdn-logs-filtered", b'{"reqTimeSec": "99999999999999"}', ARRIVED_MS),
    ],
)
def test_the_time_is_the_event_s_own_or_else_that_of_its_arrival(topic, value, at_ms):
    """An event without a time, or with an impossible one, is stored all the same."""
    assert compile_reader(topic)(a_record(0, value, ARRIVED_MS))[0] == at_ms


def test_a_clock_that_runs_a_day_ahead_is_believed_and_no_longer():
    """Senders' clocks would open an index for every day to come."""
    read = compile_reader("cdn-logs-filtered")
    sent = b'{"reqTimeSec": %d}' % (ARRIVED_MS // 1000)
    assert read(a_record(0, sent, ARRIVED_MS - DAY_MS))[0] == ARRIVED_MS
    assert read(a_record(0, sent, ARRIVED_MS - DAY_MS - 1))[0] == ARRIVED_MS - DAY_MS - 1


def test_a_time_behind_the_end_of_the_calendar_is_that_of_the_arrival():
    """Two sinks name what they write by it: one such record ended each worker that stores its partition."""
    sent, last_ms = b'{"ts": "9999-12-31T23:59:59-14:00"}', 253_402_300_799_999
    assert compile_reader("access-logs-parsed")(a_record(0, sent, 2**62))[0] == last_ms


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b"nothing", Reason.NOT_JSON),
        (b'{"a": 1', Reason.NOT_JSON),
        (b"[1]", Reason.NOT_AN_OBJECT),
        (b'{"a": "\xff"}', Reason.NOT_UTF8),
    ],
)
def test_what_is_no_json_object_is_refused(value, reason):
    """A line that is not JSON spoils the file for its readers."""
    with pytest.raises(InvalidEvent) as raised:
        compile_reader("cdn-logs-filtered")(a_record(0, value))
    assert raised.value.reason is reason


def test_fields_are_read_as_they_were_sent():
    """What a sink makes of them is its own business."""
    read = compile_reader("enriched-web-events", "geo_latitude", "absent")
    _, event = read(a_record(0, b'{"geo_latitude": "53.5"}'))
    assert (event.geo_latitude, event.absent) == ("53.5", None)
