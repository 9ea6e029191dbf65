"""The receiver: settings in; producer, guard and limits of all that comes in over HTTP, running, out."""

from collections import Counter

from mode import Service

from dataflow.connection import broker_connection
from dataflow.errors import Misconfigured
from dataflow.settings import Compression, Settings, settings
from dataflow.sources.auth.guard import Guard
from dataflow.sources.auth.opening import open_guard
from dataflow.sources.in_flight import InFlight
from dataflow.sources.outbox import Outbox
from dataflow.sources.producing import Producing
from dataflow.sources.receive import Receiving
from dataflow.sources.received_streams import TOPICS

REFUSED = "refused"

SHARE_OF_UNACKNOWLEDGED = 4
"""So much of the bytes in flight, a quarter, may be waiting for the broker; the rest is for bodies."""


class Receiver(Service):
    """Started before the web server and stopped after it: an upload under way is answered."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__()
        self.settings = chosen
        self.counts: Counter[tuple[str, str]] = Counter()
        """Events by topic and outcome (accepted, dead_lettered), and requests `REFUSED` by status."""
        self._guard: Guard | None = None
        packed = chosen.compression is not Compression.NONE
        compression = chosen.compression.value if packed else None
        self.connection = broker_connection(chosen)
        self.producing = Producing(
            self.connection,
            TOPICS,
            compression=compression,
            request_seconds=chosen.ingest_deadline_seconds,
        )
        self.outbox = Outbox(
            self.producing,
            compression=compression,
            most_bytes=chosen.ingest_in_flight_bytes // SHARE_OF_UNACKNOWLEDGED,
            deadline_seconds=chosen.ingest_deadline_seconds,
        )
        self.in_flight = InFlight(self.outbox, chosen.ingest_in_flight_bytes)
        self.receiving = Receiving(
            self.outbox,
            most_inflated_bytes=chosen.ingest_inflated_bytes,
            most_array_bytes=chosen.ingest_body_bytes,
            structured_fields=chosen.ingest_structured_fields,
        )

    def check(self) -> None:
        """Read the secrets, before anything has started; raise `Misconfigured`."""
        chosen = self.settings
        if chosen.ingest_in_flight_bytes < 2 * chosen.ingest_body_bytes:
            raise Misconfigured(
                f"DATAFLOW_INGEST_IN_FLIGHT_BYTES is {chosen.ingest_in_flight_bytes}; "
                f"expected at least twice DATAFLOW_INGEST_BODY_BYTES, which is {chosen.ingest_body_bytes}"
            )
        self._guard = self._open_guard()

    async def on_start(self) -> None:
        """Begin to reach the broker."""
        await self.add_runtime_dependency(self.producing)

    async def on_stop(self) -> None:
        """Wait for the broker's last answers, within the deadline of each."""
        await self.outbox.drain()
        if self._guard is not None:
            self._guard.close()

    @property
    def guard(self) -> Guard:
        """The guard of the door; a worker that receives nothing opens it when somebody first asks.

        Raises `Misconfigured`.
        """
        if self._guard is None:
            self._guard = self._open_guard()
        return self._guard

    @property
    def failed_logins(self) -> int:
        """How often a password or token was wrong, since the start."""
        return 0 if self._guard is None else self._guard.delays.failures

    def _open_guard(self) -> Guard:
        chosen = self.settings
        return open_guard(
            chosen.web_host,
            chosen.ingest_htpasswd_file,
            chosen.ingest_token_file,
            is_open=chosen.ingest_open,
        )


receiver = Receiver(settings())
