"""Event views: whatever bytes a topic holds, a page gets texts that it can take, and what they are."""

from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.web.event_view import MOST_HEADERS, MOST_VALUE_BYTES, ShownBytes, TextKind, shown, view_of


@pytest.mark.parametrize(
    ("raw", "most", "text", "kind"),
    [
        (b'{"id": 9007199254740993}', 24, '{"id": 9007199254740993}', TextKind.JSON),
        (b"{'id'}", 24, "{'id'}", TextKind.TEXT),
        (b"", 24, "", TextKind.TEXT),
        (b"<img src=x onerror=alert(1)>", 99, "<img src=x onerror=alert(1)>", TextKind.TEXT),
        (b"\x16\x03\x01\xff", 24, "\x16\x03\x01\\xff", TextKind.BYTES),
        (
            b"[" * 2_000 + b"]" * 2_000,
            4_000,
            "[" * 2_000 + "]" * 2_000,
            TextKind.TEXT,
        ),  # nested too deep to read
        ("ééé".encode(), 5, "éé", TextKind.TEXT),
        (b'"12345"', 5, '"1234', TextKind.TEXT),
    ],
)
def test_bytes_are_shown_as_what_they_are(raw: bytes, most: int, text: str, kind: TextKind):
    """What is cut ends with a whole character, and half a JSON text is called a text."""
    assert shown(raw, most) == ShownBytes(text, kind, len(raw), len(raw) > most)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_can_be_shown(raw: bytes, most: int):
    """And sent: there is no surrogate in the text, which no JSON encoder takes."""
    view = shown(raw, most)
    assert view is not None
    assert (view.bytes, view.is_cut) == (len(raw), len(raw) > most)
    assert msgspec.json.decode(msgspec.json.encode(view), type=ShownBytes) == view


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [(0, "1970-01-01T00:00:00Z"), (-1, None), (2**62, None), (1_600_000_000_123, "2020-09-13T12:26:40.123Z")],
)
def test_a_record_of_any_time_and_size_is_shown(timestamp: int, at: str | None):
    """Producers write timestamps that no calendar has, a megabyte, and thousands of headers."""
    headers = [("h", b"\xff"), ("none", None)] * 1_000
    record = SimpleNamespace(offset=7, timestamp=timestamp, key=None, value=b"x" * 1_000_000, headers=headers)
    view = view_of(3, record)
    assert (view.partition, view.offset, view.at, view.key) == (3, 7, at, None)
    assert len(view.headers) == MOST_HEADERS
    assert view.value is not None
    assert (len(view.value.text), view.value.bytes, view.value.is_cut) == (MOST_VALUE_BYTES, 1_000_000, True)
