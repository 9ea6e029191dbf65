"""Times: the ways servers write an instant in, ISO 8601 in UTC out."""

import re
from datetime import datetime, tzinfo

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.event_time import utc_text, utc_text_of_epoch

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FRACTION = re.compile("[.,]([0-9]++)")
_FRACTION_OF_SECOND = re.compile(r"(?<=:[0-9]{2}:[0-9]{2})[.,]([0-9]++)")
_ends_in_zone = re.compile(r".{19,}(?:Z|GMT|UTC|[+-][0-9]{2}:?[0-9]{2})").fullmatch
_MINUTE = re.compile(r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}) ([+-][0-9]{2})([0-9]{2})")


def common_time(text: str) -> str:
    """Return ``17/May/2015:12:05:03 +0200`` as ``2015-05-17T10:05:03Z``.

    A fraction of the second becomes milliseconds. The text must have a colon in front of its seconds,
    and those must be 00 to 59.
    """
    if len(text) > len("17/May/2015:12:05:03 +0200"):
        fraction = text[21:-6]
        return with_fraction(common_time(text[:20] + text[-6:]), fraction)
    try:
        # The minute is remembered: a date is worked out once a minute and zone, not once a line.
        return f"{_minutes[text[:17] + text[20:]]}{text[18:20]}Z"
    except (ValueError, OverflowError) as error:
        raise _no_time(text, "a time as 17/May/2015:10:05:03 +0000") from error


def utc_time(zone: tzinfo | None, text: str) -> str:
    """Return Apache's time or ISO 8601 in UTC; one that names no zone is in `zone`.

    Raises `InvalidEvent` if it is no time, or names no zone and `zone` is null.
    """
    is_iso = text[4] == "-"
    if not _ends_in_zone(text):
        if zone is None:
            raise _no_time(text, "its zone behind it, or DATAFLOW_ACCESS_LOG_ZONE")
        formats = f"%Y-%m-%d{text[10]}%H:%M:%S" if is_iso else "%d/%b/%Y:%H:%M:%S"
        return formatted_time(formats, zone, text)
    if is_iso:
        return iso_time(text[:11] + text[11:].replace(" ", ""))
    time, _, named = text.partition(" ")
    return common_time(f"{time} {'+0000' if named.isalpha() else named.replace(':', '')}")


def with_fraction(utc: str, digits: str) -> str:
    """Return a whole second in UTC with the milliseconds that the digits of its fraction begin with."""
    return f"{utc[:19]}.{(digits + '00')[:3]}Z"


def iso_time(text: str) -> str:
    """Return ``2015-05-17T12:05:03+02:00`` in UTC, with milliseconds if it has a fraction.

    Raises `InvalidEvent` if it is no such time.
    """
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            utc, fraction = utc_text(at), _FRACTION.search(text, 19)
            return with_fraction(utc, fraction[1]) if fraction else utc
    except (ValueError, OverflowError):
        pass
    raise _no_time(text, "a time as 2015-05-17T10:05:03+00:00")


def epoch_time(text: str) -> str:
    """Return epoch seconds, with or without milliseconds, in UTC with milliseconds."""
    try:
        return utc_text_of_epoch(text)
    except ValueError as error:
        raise _no_time(text, "epoch seconds of 1971 or later") from error


def epoch_ms_time(text: str) -> str:
    """Return epoch milliseconds in UTC with milliseconds."""
    return epoch_time(f"{text[:-3]}.{text[-3:]}")


def epoch_us_time(text: str) -> str:
    """Return epoch microseconds in UTC; what is below a millisecond is cut."""
    return epoch_time(f"{text[:-6]}.{text[-6:]}")


def formatted_time(strptime: str, zone: tzinfo | None, text: str) -> str:
    """Return in UTC what was written by strftime; `strptime` is that format. Without %z it is in `zone`.

    A fraction behind the second, which strftime does not write and others do, becomes milliseconds.
    """
    fraction = _FRACTION_OF_SECOND.search(text)
    whole = text if fraction is None else text.replace(fraction[0], "", 1)
    try:
        at = datetime.strptime(whole, strptime)  # noqa: DTZ007 - the format holds %z, or the zone is known
        utc = utc_text(at if zone is None else at.replace(tzinfo=zone))
        return utc if fraction is None else with_fraction(utc, fraction[1])
    except (ValueError, OverflowError) as error:
        raise _no_time(text, f"a time as {strptime}") from error


def _no_time(text: str, expected: str) -> InvalidEvent:
    return InvalidEvent(Reason.UNPARSABLE, f"time is {text[:40]!r}; expected {expected}")


def _minute_text(text: str) -> str:
    match = _MINUTE.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise ValueError(text)
    day, month, year, hour, minute, zone_hours, zone_minutes = match.groups()
    month_number = _MONTHS.index(month) + 1
    iso = f"{year}-{month_number:02d}-{day}T{hour}:{minute}:00{zone_hours}:{zone_minutes}"
    return utc_text(datetime.fromisoformat(iso))[:17]


_minutes: BoundedCache[str, str] = BoundedCache(_minute_text)
