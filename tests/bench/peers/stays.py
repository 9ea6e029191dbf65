"""Stays, as all peers in Python tell them: dates in, the stay category and the hour out."""

from datetime import UTC, date, datetime

HOUR_SECONDS = 3_600


def category_of(check_in: str | None, check_out: str | None) -> str:
    """Return the stay category of two dates."""
    try:
        nights = (date.fromisoformat(check_out) - date.fromisoformat(check_in)).days
    except (TypeError, ValueError):
        nights = 0
    if nights <= 0:
        return "Erroneous data"
    if nights <= 4:
        return "Short stay"
    if nights <= 10:
        return "Standard stay"
    return "Standard extended stay" if nights <= 14 else "Long stay"


def time_of(text: str) -> datetime:
    """Return an event time; none tells its zone, all are UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hour_of(text: str) -> int:
    """Return the start of the hour of an event time, in seconds since 1970 UTC."""
    at = int(time_of(text).timestamp())
    return at - at % HOUR_SECONDS
