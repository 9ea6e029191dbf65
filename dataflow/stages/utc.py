"""UTC: instants in, ISO 8601 texts in UTC with a ``Z`` out."""

from datetime import UTC, datetime

from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.event_time import UNDATED, epoch_seconds_ms


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
