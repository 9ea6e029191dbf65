"""Keeps the producer of what comes in over HTTP, and replaces it when the broker has not taken something.

A producer that fails or is too slow is dropped with all that it has not sent: those senders
were told to try again, and what is sent late would double their lines. One whose records a topic refuses
goes on for all other topics until another one has taken its place.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from mode import Service

from dataflow.catalogue.declared import RECEIVED_TOPICS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.http_error import HttpError, broker_unavailable
from dataflow.kafka.admin import KnownTopic, find_topics
from dataflow.kafka.clients import backoff, drop, start
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.producers import BATCH_BYTES, IdempotentProducer
from dataflow.kafka.refusals import explain
from dataflow.logs import get_log
from dataflow.settings import Settings

log = get_log(__name__)

LOOK_AGAIN_SECONDS = 30.0
REFUSED_SECONDS = 5.0
"""So long nothing is written to a topic that has refused records; then another producer tries."""
WRITTEN_TOPICS = frozenset((*RECEIVED_TOPICS, DEAD_LETTERS.name))


@dataclass(slots=True, eq=False)
class ConnectedProducer:
    """A producer that is started, and the topics that it found."""

    producer: IdempotentProducer
    topics: Mapping[str, KnownTopic]
    has_failed: bool = False
    refusals: dict[str, Exception] = field(default_factory=dict)
    """Why topics have refused records, and get no more of this producer: their numbers have a gap."""
    is_due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another producer has to take its place."""

    def fail(self) -> None:
        """Write nothing more."""
        self.has_failed = True
        self.is_due.set()

    def refuse(self, topic: str, error: Exception) -> None:
        """Write nothing more to this topic; the others never notice."""
        self.refusals[topic] = error
        asyncio.get_running_loop().call_later(REFUSED_SECONDS, self.is_due.set)


class IngestProducer(Service):
    """Keeps one idempotent producer; `up` is None while there is none that works."""

    def __init__(self, connection: Mapping[str, object], settings: Settings) -> None:
        super().__init__()
        self.up: ConnectedProducer | None = None
        self._replaced: set[ConnectedProducer] = set()
        self._connection = connection
        self._compression = settings.compression.codec
        self._deadline_seconds = settings.ingest_deadline_seconds

    @property
    def is_up(self) -> bool:
        """Tell whether the broker takes records."""
        return self.up is not None and not self.up.has_failed

    def known(self, topic: str) -> tuple[ConnectedProducer, KnownTopic]:
        """Return the producer and what it knows of a topic; refuse while there is none."""
        up = self.up
        if up is None or not self.is_up:
            raise broker_unavailable("Kafka is away; expected it back in a moment")
        if topic in up.refusals:
            raise refused_by(topic, up.refusals[topic])
        if topic not in up.topics:
            raise broker_unavailable(f"topic {topic} is missing; expected `dataflow topics` to have made it")
        return up, up.topics[topic]

    @Service.task
    async def _keep(self) -> None:
        pauses = backoff()
        while not self.should_stop:
            try:
                connected = await self._connect()
            except (KafkaError, OSError) as error:
                pause, reason = next(pauses), await explain(error, self._connection)
                log.warning("Broker takes nothing; trying again.", wait_seconds=pause, error=reason)
                await self.sleep(pause)
            else:
                pauses = backoff()
                if not self.is_up:  # it may have failed meanwhile
                    await self._drop()
                self._replace(connected)
                await self._watch(connected)
                if connected.has_failed:
                    await self._drop()

    def _replace(self, connected: ConnectedProducer) -> None:
        if self.up is not None:
            self._replaced.add(self.up)
            self.add_future(self._retire(self.up))
        self.up = connected

    async def _retire(self, replaced: ConnectedProducer) -> None:
        """Drop a producer when all that it has sent is answered for."""
        await self.sleep(self._deadline_seconds)
        await drop(replaced.producer)
        self._replaced.discard(replaced)

    async def _watch(self, up: ConnectedProducer) -> None:
        while not self.should_stop and not up.is_due.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait_for_stopped(up.is_due.wait()), LOOK_AGAIN_SECONDS)
            if up.topics.keys() != WRITTEN_TOPICS:
                with suppress(KafkaError, OSError):
                    up.topics = await self._find_topics()

    async def on_stop(self) -> None:
        """Drop the producer; who waits for it has been answered before."""
        await self._drop()
        for replaced in list(self._replaced):
            await drop(replaced.producer)

    async def _connect(self) -> ConnectedProducer:
        producer = IdempotentProducer(
            self._connection,
            self._compression,
            batch_bytes=BATCH_BYTES,
            request_timeout_ms=int(self._deadline_seconds * 1000),
        )
        try:
            await start(producer)
            return ConnectedProducer(producer, await self._find_topics())
        except BaseException:
            await drop(producer)
            raise

    async def _find_topics(self) -> Mapping[str, KnownTopic]:
        topics = await find_topics(self._connection, WRITTEN_TOPICS)
        if missing := sorted(WRITTEN_TOPICS - topics.keys()):
            log.error("Topics are missing; their events are refused.", topics=missing)
        return topics

    async def _drop(self) -> None:
        up, self.up = self.up, None
        if up is not None:
            up.fail()
            await drop(up.producer)


def refused_by(topic: str, error: Exception) -> HttpError:
    """Return the error for events of a topic that takes none for now (503)."""
    return broker_unavailable(f"topic {topic} has refused events: {error}; expected an operator to mend it")
