"""The receiver: the producer and the limits of all that comes in over HTTP."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from mode import Service

from dataflow.errors import Misconfigured
from dataflow.http_error import overloaded
from dataflow.settings import Settings
from dataflow.sources.batching_producer import BatchingProducer
from dataflow.sources.ingest_producer import IngestProducer
from dataflow.sources.receive import Receiving

REFUSED = "refused"


class Receiver(Service):
    """Started before the web server and stopped after it: an upload under way is answered."""

    def __init__(self, settings: Settings, connection: Mapping[str, object]) -> None:
        super().__init__()
        self.settings = settings
        self.counts: Counter[tuple[str, str]] = Counter()
        """Events by topic and outcome (accepted, dead_lettered), and requests `REFUSED` by status."""
        self.ingest_producer = IngestProducer(connection, settings)
        self.producer = BatchingProducer(self.ingest_producer, settings)
        self.receiving = Receiving(self.producer, settings)
        self._received_bytes = 0

    def check(self) -> None:
        """Before anything has started, check the limits; raise `Misconfigured`."""
        settings = self.settings
        if settings.ingest_in_flight_bytes < 2 * settings.ingest_body_bytes:
            raise Misconfigured(
                f"DATAFLOW_INGEST_IN_FLIGHT_BYTES is {settings.ingest_in_flight_bytes}; "
                f"expected at least twice DATAFLOW_INGEST_BODY_BYTES, which is {settings.ingest_body_bytes}"
            )

    async def on_start(self) -> None:
        """Begin to reach the broker."""
        await self.add_runtime_dependency(self.ingest_producer)

    async def on_stop(self) -> None:
        """Wait for the broker's last answers, within the deadline of each."""
        await self.producer.drain()

    @property
    def in_flight_bytes(self) -> int:
        """Bytes of all requests that are not answered: received ones and unacknowledged ones."""
        return self._received_bytes + self.producer.unacknowledged_bytes

    @contextmanager
    def in_flight(self) -> Iterator[Callable[[int], None]]:
        """Give what holds so many bytes more until the block ends, and refuses them (429) above the bound."""
        own_bytes, most_bytes = 0, self.settings.ingest_in_flight_bytes

        def hold(size: int) -> None:
            """Count bytes that are about to be held."""
            nonlocal own_bytes
            if self.in_flight_bytes + size > most_bytes:
                raise overloaded(
                    f"more than {most_bytes} bytes are in flight; expected fewer senders at once"
                )
            self._received_bytes += size
            own_bytes += size

        try:
            yield hold
        finally:
            self._received_bytes -= own_bytes
