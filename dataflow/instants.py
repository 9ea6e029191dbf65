"""Instants: milliseconds since 1970 UTC, and the one way in which we write and read them as text.

What goes into topics and sinks has the form of its own format, which nobody changes.
"""

import time
from datetime import UTC, datetime, timedelta

from dataflow.errors import Misconfigured

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
EARLIEST_MS = 31_536_000_000  # 1971-01-01: what lies before is a clock that was never set


def now_ms() -> int:
    """Return the instant that it is by the wall clock."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Return an instant as ``2026-01-31T12:00:00Z``, with milliseconds where it has some."""
    text = datetime_of(at_ms).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00").removesuffix(".000") + "Z"


def iso_or_none(at_ms: int | None) -> str | None:
    """Return an instant as `iso` does; None for none."""
    return None if at_ms is None else iso(at_ms)


def instant_ms(text: str) -> int:
    """Return the instant of an ISO 8601 date or date-time, UTC where it names no offset; raise ValueError."""
    at = datetime.fromisoformat(text)
    try:
        return milliseconds_of(at if at.tzinfo is None else at.astimezone(UTC))
    except OverflowError as error:  # its offset leads out of the calendar: nobody could write it
        raise ValueError(text) from error


def option_ms(option: str, text: str | None) -> int | None:
    """Return the instant that an option names, as `instant_ms` does; raise `Misconfigured`. None for none."""
    try:
        return None if text is None else instant_ms(text)
    except ValueError:
        raise Misconfigured(f"{option} is '{text}'; expected an ISO 8601 date or date-time") from None


def range_ms(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Return the instants of --from and --to; raise `Misconfigured` if nothing can be between them."""
    start_ms, end_ms = option_ms("--from", start), option_ms("--to", end)
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise Misconfigured(f"--from is '{start}'; expected an instant before --to, which is {end}")
    return start_ms, end_ms


def milliseconds_of(at: datetime) -> int:
    """Return an instant in ms, cut; UTC where it has no time zone."""
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


def datetime_of(at_ms: int) -> datetime:
    """Return an instant in UTC, exact."""
    return EPOCH + at_ms * MILLISECOND
