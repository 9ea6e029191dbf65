"""Instants in options of commands."""

from dataflow import instants
from dataflow.errors import Misconfigured


def instant_ms(option: str, text: str) -> int:
    """Return an ISO 8601 date or date-time, UTC where it names no offset; raise `Misconfigured`."""
    try:
        return instants.instant_ms(text)
    except ValueError:
        raise Misconfigured(f"{option} is '{text}'; expected an ISO 8601 date or date-time") from None
