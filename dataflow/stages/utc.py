"""UTC: instants in, ISO 8601 texts in UTC with a ``Z`` out."""

from datetime import UTC, datetime

from dataflow.stages.remembered import Remembered

_MS_PER_MINUTE = 60_000


def utc_text(at: datetime) -> str:
    """Return an instant with a time zone as ``2015-05-17T10:05:03Z``; what is below a second is cut.

    Raises OverflowError for an instant whose year in UTC is not one of 1 to 9999.
    """
    return at.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"


def utc_text_of_ms(at_ms: int) -> str:
    """Return ms since 1970 UTC as ``2022-02-22T22:29:47.280Z``.

    Raises ValueError or OverflowError beyond the year 9999.
    """
    minute, ms = divmod(at_ms, _MS_PER_MINUTE)
    return f"{_minutes[str(minute)]}{ms // 1000:02d}.{ms % 1000:03d}Z"


def _minute_text(minute: str) -> str:
    return utc_text(datetime.fromtimestamp(int(minute) * 60, UTC))[:17]


# Lines come in bursts of one minute: formatting a date anew for each costs ten times more.
_minutes: Remembered[str, str] = Remembered(_minute_text)
