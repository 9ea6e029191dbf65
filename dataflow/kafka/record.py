"""A record as it is read, and as it is written; values only."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

Header = tuple[str, bytes | None]
Headers = list[Header]
OutputRecord = tuple[int, bytes | None, bytes | None, Headers]
"""Timestamp in ms since 1970, key, value, headers."""


class Record(Protocol):
    """A record of a partition; aiokafka's `DefaultRecord` is one."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int:
        """When it was written, ms since 1970, by the producer's or the broker's clock."""

    @property
    def key(self) -> bytes | None:
        """What partitions it."""

    @property
    def value(self) -> bytes | None:
        """The event."""

    @property
    def headers(self) -> Sequence[Header]:
        """Names and values, in order."""


class Outgoing(NamedTuple):
    """Records that a batch sends to a topic, to be gone through once, and about how many bytes."""

    topic: str
    records: Iterable[OutputRecord]
    size: int
