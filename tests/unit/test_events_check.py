"""Analytics events: three fields, each with its own fault by name."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InvalidEvent
from dataflow.sources.simulator import simulated_event
from dataflow.stages.analytics_event import EVENT_TYPES, read_event


def an_event(**fields) -> bytes:
    """Return an event; `...` leaves a field out."""
    event = {"device_id": "d-1", "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z", **fields}
    return orjson.dumps({name: value for name, value in event.items() if value is not ...})


def fault_of(raw: bytes) -> str:
    """Return what is said of it."""
    with pytest.raises(InvalidEvent) as raised:
        read_event(raw)
    return raised.value.detail


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_type_is_an_event(event_type: str):
    """The three that there are."""
    assert read_event(an_event(event_type=event_type)).event_type == event_type


@pytest.mark.parametrize(
    "created_on", ["2026-01-31T12:00:00Z", "2026-01-31 12:00:00.123+02:00", "2026-01-31"]
)
def test_iso_times_are_read(created_on: str):
    """With or without zone and fraction."""
    assert read_event(an_event(created_on=created_on)).created_on == created_on


@pytest.mark.parametrize("field", ["device_id", "event_type", "created_on"])
@pytest.mark.parametrize("value", [..., None, 5, "", "x" * 201, ["REVENUE"]])
def test_the_field_at_fault_is_named(field: str, value: object):
    """Who sends it has three to choose from."""
    assert field in fault_of(an_event(**{field: value}))


@pytest.mark.parametrize("raw", [b"", b"x", b"[]", b"null", b'{"device_id":"\xff"}'])
def test_what_is_no_object_says_so(raw: bytes):
    """There is no field to name."""
    assert fault_of(raw).startswith("value")


def test_the_types_have_a_case():
    """`revenue` would be a type of its own in the table."""
    assert "expected START_SESSION, END_SESSION or REVENUE" in fault_of(an_event(event_type="revenue"))


def test_a_field_more_does_no_harm():
    """An app may know more than we."""
    assert read_event(an_event(amount=5)).device_id == "d-1"


@given(st.integers(31_536_000_000, 4_102_444_800_000))
def test_a_simulated_event_is_an_event(now_ms: int):
    """It takes the same way as a real one."""
    read_event(simulated_event(now_ms))
