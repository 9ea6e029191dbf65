"""The producer of what comes in over HTTP: how to reach the broker in, one that works, or none, out.

A producer that fails or is too slow is dropped with all that it has not sent: those senders
were told to try again, and what is sent late would double their lines.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, ProducerClosed
from mode import Service

from dataflow.http_error import broker_unavailable
from dataflow.logs import get_log

log = get_log(__name__)

BATCH_BYTES = 512 << 10
RECORD_ROOM_BYTES = 8 << 10
"""What key, headers and framing may add to a value."""

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
CANCEL_SECONDS = 0.05
SETTLE_SECONDS = 0.3
LOOK_AGAIN_SECONDS = 30.0
LIMIT = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """What a writer has to know of a topic."""

    partitions: Iterator[int]
    """Each in turn, without end."""
    most_bytes: int
    """Longest value that the broker takes, unpacked."""


class ProducerUp:
    """A producer that is started, and the topics that it found."""

    def __init__(self, producer: AIOKafkaProducer, topics: Mapping[str, KnownTopic]) -> None:
        self.producer = producer
        self.topics = topics
        self.failed = asyncio.Event()


class Producing(Service):
    """Keeps one idempotent producer; `up` is None while there is none that works."""

    def __init__(
        self,
        connection: Mapping[str, object],
        topics: Collection[str],
        *,
        compression: str | None,
        request_seconds: float,
    ) -> None:
        super().__init__()
        self.up: ProducerUp | None = None
        self._connection = connection
        self._topics = topics
        self._compression = compression
        self._request_ms = int(request_seconds * 1000)

    @property
    def is_up(self) -> bool:
        """Tell whether the broker takes records."""
        return self.up is not None and not self.up.failed.is_set()

    def known(self, topic: str) -> tuple[ProducerUp, KnownTopic]:
        """Return the producer and what it knows of a topic; refuse while there is none."""
        up = self.up
        if up is None or not self.is_up:
            raise broker_unavailable("Kafka is away; expected it back in a moment")
        if topic not in up.topics:
            raise broker_unavailable(f"topic {topic} is missing; expected `dataflow topics` to have made it")
        return up, up.topics[topic]

    @Service.task
    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self.should_stop:
            try:
                self.up = await self._connect()
            except (KafkaError, OSError) as error:
                log.warning("Broker takes nothing; trying again.", wait_seconds=pause, error=error)
                await self.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause = FIRST_PAUSE_SECONDS
            await self._watch(self.up)
            await self._drop()

    async def _watch(self, up: ProducerUp) -> None:
        while not self.should_stop and not up.failed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait_for_stopped(up.failed.wait()), LOOK_AGAIN_SECONDS)
            if up.topics.keys() != set(self._topics):
                with suppress(KafkaError, OSError):
                    up.topics = await find_topics(self._connection, self._topics)

    async def on_stop(self) -> None:
        """Drop the producer; who waits for it has been answered before."""
        await self._drop()

    async def _connect(self) -> ProducerUp:
        producer = AIOKafkaProducer(
            **self._connection,
            acks="all",
            enable_idempotence=True,
            compression_type=self._compression,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=self._request_ms,
        )
        try:
            await producer.start()
            return ProducerUp(producer, await find_topics(self._connection, self._topics))
        except BaseException:
            await drop(producer)
            raise

    async def _drop(self) -> None:
        up, self.up = self.up, None
        if up is not None:
            up.failed.set()
            await drop(up.producer)


async def find_topics(connection: Mapping[str, object], names: Collection[str]) -> dict[str, KnownTopic]:
    """Return those of the topics that exist."""
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        described = await admin.describe_topics()
        found = {
            topic["topic"]: len(topic["partitions"]) for topic in described if topic["topic"] in set(names)
        }
        missing = sorted(set(names) - found.keys())
        if missing:
            log.error("Topics are missing; their events are refused.", topics=missing)
        limits = await _limits(admin, found)
    finally:
        await admin.close()
    return {
        name: KnownTopic(cycle(range(count)), limits[name] - RECORD_ROOM_BYTES)
        for name, count in found.items()
    }


async def _limits(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, int]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, {LIMIT: None}) for name in names]
    return {
        name: int(entries[0][1])
        for answer in await admin.describe_configs(asked)
        for _, _, _, name, entries, *_ in answer.resources
    }


async def drop(producer: AIOKafkaProducer) -> None:
    """End a producer with all that it has not sent; `stop()` would wait for a dead broker for ever."""
    producer._closed = True  # noqa: SLF001  # else its finalizer warns
    sending = producer._sender.sender_task  # noqa: SLF001
    while sending is not None and not sending.done():
        sending.cancel()  # the first only makes it wait for what is in flight
        await asyncio.wait((sending,), timeout=CANCEL_SECONDS)
    with suppress(KafkaError, OSError):
        await producer.client.close()
    await asyncio.sleep(SETTLE_SECONDS)  # what was in flight goes back into the queue first
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001  # who waits learns it at once
