"""Bytes in flight: bounds what all requests together hold in memory; above the bound senders get 429."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

    @contextmanager
    def held(self) -> Iterator[Callable[[int], None]]:
        """Give what holds so many bytes more until the block ends, and refuses them (429) above the bound."""
        own_bytes = 0

        def hold(size: int) -> None:
            """Count bytes that are about to be held."""
            nonlocal own_bytes
            if self.held_bytes + size > self._most_bytes:
                raise overloaded(
                    f"more than {self._most_bytes} bytes are in flight; expected fewer senders at once"
                )
            self.received_bytes += size
            own_bytes += size

        try:
            yield hold
        finally:
            self.received_bytes -= own_bytes
