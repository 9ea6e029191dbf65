"""Instants: the text of an option in, milliseconds since 1970 UTC out."""

from datetime import UTC, datetime, timedelta

from dataflow.errors import Misconfigured

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ms(option: str, text: str) -> int:
    """Return an ISO 8601 date or date-time, UTC where it names no offset; raise `Misconfigured`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{option} is '{text}'; expected an ISO 8601 date or date-time") from None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
