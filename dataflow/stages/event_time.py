"""Event time: the time an event carries in, milliseconds since 1970 UTC or a text in UTC out."""

from collections.abc import Callable
from datetime import UTC, datetime

from dataflow.instants import EARLIEST_MS, EPOCH, MILLISECOND
from dataflow.stages.bounded_cache import BoundedCache

UNDATED = -1
"""No window may take this event: it has no readable time, or one before 1971."""

_EPOCH = EPOCH.replace(tzinfo=None)
# Seconds of this length are no time any more; longer ones could not be kept in 64 bits.
_LONGEST_SECONDS = 14


def parse_iso(text: str | None) -> int:
    """Return the instant of ``2015-06-03 19:48:21.250+02:00`` in ms since 1970 UTC.

    ``T`` or a space between day and time; fraction and zone may be left out, and without
    a zone the time is UTC. Null, unreadable or before 1971: `UNDATED`.
    """
    if text is None or text[4:5] != "-" or text[7:8] != "-" or text[10:11] not in ("", " ", "T"):
        return UNDATED
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return UNDATED
    ms = (at - (_EPOCH if at.tzinfo is None else EPOCH)) // MILLISECOND
    return ms if ms >= EARLIEST_MS else UNDATED


iso_ms: Callable[[str | None], int] = BoundedCache(parse_iso, bound=32_768).__getitem__
"""`parse_iso`, remembered: many events share a second."""


def epoch_seconds_ms(seconds: object) -> int:
    """Return epoch seconds (``"1645568187.280"``, or a number) in ms, exact; digits below are cut.

    Anything else, or before 1971: `UNDATED`. Not remembered: hardly two lines share one.
    """
    # The text of a float is the shortest that reads back as it: no digit is lost or made up.
    text = seconds if isinstance(seconds, str) else str(seconds)
    whole, point, fraction = text.partition(".")
    if len(whole) > _LONGEST_SECONDS or not whole.isdecimal():
        return UNDATED
    if point and fraction and not fraction.isdecimal():
        return UNDATED
    ms = int(whole + (fraction + "000")[:3])
    return ms if ms >= EARLIEST_MS else UNDATED


def utc_text(at: datetime) -> str:
    """Return an instant with a time zone as ``2015-05-17T10:05:03Z``; what is below a second is cut.

    Raises OverflowError for an instant whose year in UTC is not one of 1 to 9999.
    """
    return at.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"


def utc_text_of_epoch(seconds: str) -> str:
    """Return epoch seconds (``1645568187.28``) as ``2022-02-22T22:16:27.280Z``; digits below are cut.

    No float is involved. Raises ValueError for what is no such time, or one before 1971
    or after the year 9999.
    """
    whole, _, fraction = seconds.partition(".")
    if fraction and not fraction.isdecimal():
        raise ValueError(seconds)
    return f"{_seconds[whole]}.{(fraction + '000')[:3]}Z"


def _second_text(whole: str) -> str:
    at_ms = epoch_seconds_ms(whole)
    if at_ms == UNDATED:
        raise ValueError(whole)
    try:
        return utc_text(datetime.fromtimestamp(at_ms // 1000, UTC))[:-1]
    except OverflowError as error:
        raise ValueError(whole) from error


# Many lines share a second: formatting a date anew for each costs ten times more.
_seconds: BoundedCache[str, str] = BoundedCache(_second_text)
