"""The receiver: the producer, the authenticator and the limits of all that comes in over HTTP."""

from collections import Counter
from collections.abc import Mapping

from mode import Service

from dataflow.catalogue.declared import RECEIVED_TOPICS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.errors import Misconfigured
from dataflow.settings import Settings
from dataflow.sources.auth.auth_config import create_authenticator
from dataflow.sources.auth.authenticator import Authenticator
from dataflow.sources.batching_producer import BatchingProducer
from dataflow.sources.in_flight import InFlight
from dataflow.sources.ingest_producer import IngestProducer
from dataflow.sources.receive import Receiving

REFUSED = "refused"

SHARE_OF_UNACKNOWLEDGED = 4
"""So much of the bytes in flight, a quarter, may be waiting for the broker; the rest is for bodies."""


class Receiver(Service):
    """Started before the web server and stopped after it: an upload under way is answered."""

    def __init__(self, settings: Settings, connection: Mapping[str, object]) -> None:
        super().__init__()
        self.settings = settings
        self.counts: Counter[tuple[str, str]] = Counter()
        """Events by topic and outcome (accepted, dead_lettered), and requests `REFUSED` by status."""
        self._authenticator: Authenticator | None = None
        compression = settings.compression.codec
        self.ingest_producer = IngestProducer(
            connection,
            (*RECEIVED_TOPICS, DEAD_LETTERS.name),
            compression=compression,
            request_seconds=settings.ingest_deadline_seconds,
        )
        self.producer = BatchingProducer(
            self.ingest_producer,
            compression=compression,
            most_bytes=settings.ingest_in_flight_bytes // SHARE_OF_UNACKNOWLEDGED,
            deadline_seconds=settings.ingest_deadline_seconds,
        )
        self.in_flight = InFlight(self.producer, settings.ingest_in_flight_bytes)
        self.receiving = Receiving(
            self.producer,
            most_inflated_bytes=settings.ingest_inflated_bytes,
            most_array_bytes=settings.ingest_body_bytes,
            structured_fields=settings.ingest_structured_fields,
        )

    def check(self) -> None:
        """Read the secrets, before anything has started; raise `Misconfigured`."""
        settings = self.settings
        if settings.ingest_in_flight_bytes < 2 * settings.ingest_body_bytes:
            raise Misconfigured(
                f"DATAFLOW_INGEST_IN_FLIGHT_BYTES is {settings.ingest_in_flight_bytes}; "
                f"expected at least twice DATAFLOW_INGEST_BODY_BYTES, which is {settings.ingest_body_bytes}"
            )
        self._authenticator = self._create_authenticator()

    async def on_start(self) -> None:
        """Begin to reach the broker."""
        await self.add_runtime_dependency(self.ingest_producer)

    async def on_stop(self) -> None:
        """Wait for the broker's last answers, within the deadline of each."""
        await self.producer.drain()
        if self._authenticator is not None:
            self._authenticator.close()

    @property
    def authenticator(self) -> Authenticator:
        """Who may send; a worker that receives nothing reads the secrets at the first request.

        Raises `Misconfigured`.
        """
        if self._authenticator is None:
            self._authenticator = self._create_authenticator()
        return self._authenticator

    @property
    def failed_logins(self) -> int:
        """How often a password or token was wrong, since the start."""
        return 0 if self._authenticator is None else self._authenticator.delays.failures

    def _create_authenticator(self) -> Authenticator:
        settings = self.settings
        return create_authenticator(
            settings.web_host,
            settings.ingest_htpasswd_file,
            settings.ingest_token_file,
            is_open=settings.ingest_open,
        )
