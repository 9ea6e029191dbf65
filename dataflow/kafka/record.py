"""A record as it is read, and as it is written; values only."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

Header = tuple[str, bytes | None]
Headers = list[Header]
OutputRecord = tuple[int, bytes | None, bytes | None, Headers]
"""Timestamp in ms since 1970, key, value, headers."""


class Record(Protocol):
    """A record of a partition; aiokafka's `DefaultRecord` is one."""

    offset: int
    timestamp: int
    """When it was written, ms since 1970 UTC, by the producer's or the broker's clock."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class Outgoing(NamedTuple):
    """Records that a batch sends to a topic, to be gone through once, and about how many bytes."""

    topic: str
    records: Iterable[OutputRecord]
    size: int
