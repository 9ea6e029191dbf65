"""Bytes in flight: bounds what all requests together hold in memory; above the bound senders get 429."""

from types import TracebackType
from typing import Self

from dataflow.http_error import overloaded
from dataflow.sources.batching_producer import BatchingProducer


class InFlight:
    """Counts the bytes of all requests that are not answered, received ones and unacknowledged ones."""

    def __init__(self, producer: BatchingProducer, most_bytes: int) -> None:
        self.received_bytes = 0
        self._producer = producer
        self._most_bytes = most_bytes

    @property
    def held_bytes(self) -> int:
        """All that is held now."""
        return self.received_bytes + self._producer.unacknowledged_bytes

    def add(self, size: int) -> None:
        """Count bytes that are about to be held; refuse (429) above the bound."""
        if self.held_bytes + size > self._most_bytes:
            raise overloaded(
                f"more than {self._most_bytes} bytes are in flight; expected fewer senders at once"
            )
        self.received_bytes += size

    def give_back(self, size: int) -> None:
        """Count bytes that are held no more."""
        self.received_bytes -= size


class HeldBytes:
    """The part of one request; given back when its block ends."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self._size = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes more; refuse (429) above the bound of all."""
        self._in_flight.add(size)
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._in_flight.give_back(self._size)
