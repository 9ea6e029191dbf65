"""Note: what tables count of a dead letter."""

from typing import NamedTuple


class Note(NamedTuple):
    """One dead letter."""

    at_ms: int
    """When it became one, ms since 1970 UTC."""
    reason: str
    bytes: int
