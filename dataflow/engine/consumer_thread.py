"""The consumer's thread: fetches record batches, and keeps the membership of the group alive."""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from dataflow.kafka.fetch import Fetched, drain

# Faust has no settings for these.
FETCH_MAX_WAIT_MS = 500
PARTITION_FETCH_BYTES = 1 << 20
REQUEST_TIMEOUT_MS = 40_000

STOPPED_FLOW_PAUSE_SECONDS = 0.01
DRAIN_BESIDE_ORDINARY_SECONDS = 0.1
ORDINARY_RECORDS = 100


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches and keeps the group membership alive."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust takes a round-robin assignor when it has no tables; only its own tells who owns what.
        self._assignor = self.app.assignor
        consumer._partition_assignment_strategy = [self.app.assignor]
        consumer._isolation_level = "read_committed"
        # Faust takes one setting for requests and for its recovery, which may last.
        consumer._request_timeout_ms = consumer._client._request_timeout_ms = REQUEST_TIMEOUT_MS
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._max_partition_fetch_bytes = PARTITION_FETCH_BYTES
        return consumer

    @property
    def has_coordinator(self) -> bool:
        """Tell whether the group's coordinator answers; a dead broker is forgotten by a heartbeat or two."""
        consumer = self._consumer
        return consumer is not None and consumer._coordinator.coordinator_id is not None

    async def fetch(
        self,
        batched: AbstractSet[TP],
        ordinary: AbstractSet[TP],
        max_records: int,
        timeout_seconds: float,
        is_current: Callable[[], bool],
    ) -> Mapping[TP, Fetched | list[ConsumerRecord]]:
        """Return what has come: `Fetched` for batched partitions, lists of records for the others."""
        consumer = self._ensure_consumer()
        if not self.consumer.flow_active or consumer._closed:
            await asyncio.sleep(STOPPED_FLOW_PAUSE_SECONDS)
            return {}
        fetcher, records = consumer._fetcher, {}
        with fetcher._subscriptions.fetch_context():
            if ordinary:  # an empty set would mean all partitions
                timeout_seconds = min(timeout_seconds, DRAIN_BESIDE_ORDINARY_SECONDS)
                records = await fetcher.fetched_records(ordinary, timeout=0, max_records=ORDINARY_RECORDS)
            timeout_seconds = 0 if records else timeout_seconds
            return {**records, **await drain(consumer, batched, max_records, timeout_seconds, is_current)}

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Commit without a transaction; raises `KafkaError` when the group refuses."""
        noted = {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items()}
        await self.call_thread(self._ensure_consumer().commit, noted)
