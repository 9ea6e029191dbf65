"""Rebuild: counts a table of a partition anew from what its topic still holds, beside all that goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import islice
from sys import maxsize

from dataflow.engine.batch import Batch, BatchStream
from dataflow.engine.partition import Partition
from dataflow.engine.partition_context import Backlog
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.state import PartitionState
from dataflow.engine.tables.changelog import ChangelogRecord
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.engine.topology import Source
from dataflow.kafka.consumers import reader
from dataflow.kafka.fetch import Fetched, RecordSlice, drain
from dataflow.kafka.reading import read_to_end
from dataflow.kafka.record import Outgoing
from dataflow.kafka.types import Consumer, TopicPartition

RECORDS_AT_ONCE = 500
"""In between the partition's own batches, and whoever asks, have their turn."""

RECORDS_A_SNAPSHOT = 50_000
KEYS_AT_ONCE = 50_000
FETCH_SECONDS = 0.2
POLL_SECONDS = 0.005


class Recount(Partition):
    """A partition that is read again for one table: what else its agent does has no effect."""

    @classmethod
    def of(cls, partition: Partition, table: WindowedTable, position: int) -> "Recount":
        """Return the partition as nothing of it is counted yet."""
        options = partition.context.options
        context = replace(
            partition.context,
            options=replace(options, dead_letter_max_consecutive=maxsize, dead_letter_max_ratio=1.0),
            pauses=StreamPauses(),
            backlog=Backlog(),
            on_finished=lambda: None,
            on_bug=lambda _: None,
        )
        state = PartitionState.of([table], partition.state.stored, partition.state.cache)
        return cls(partition.tp, position, state, context)

    @property
    def counted(self) -> TablePartition:
        """What is counted of the table."""
        [table_partition] = self.state.table_partitions.values()
        return table_partition

    def _put(self, outgoing: Outgoing) -> None:
        """Send nothing."""


class Rebuild:
    """Counts one table of a partition anew, by the agent of its stream; then the partition goes on with it.

    Old records are deleted and new ones written as it goes: none counts while the table is suspended.
    The partition is held for the last few records only. Then the table takes over at the very offset up to
    which it has counted, with all else of the checkpoint there.
    """

    def __init__(
        self,
        partition: Partition,
        source: Source,
        table: WindowedTable,
        checkpoint: Callable[[], Awaitable[None]],
    ) -> None:
        self._partition = partition
        self._checkpoint = checkpoint
        self._source = source
        self._table = table
        self._connection = partition.context.options.connection
        self._format = partition.context.changelog_format

    async def run(self, *, from_now: bool) -> bool:
        """Count from the begin of the topic, or from now on; tell whether the partition has taken it over.

        It has not if it was revoked meanwhile. Raises `KafkaError`, and what the agent raises.
        """
        async with reader(self._connection) as consumer:
            await self._delete_old(consumer)
        if from_now:
            counted = Recount.of(self._partition, self._table, 0).counted
            counted.since_ms = self._partition.context.now_ms()
            self._partition.adopt(counted, counted.snapshot(self._format))
        else:
            async with reader(self._connection) as consumer:
                try:
                    await self._count(consumer)
                finally:
                    self._partition.is_held = False
        return self._partition.is_open

    async def _delete_old(self, consumer: Consumer) -> None:
        log = TopicPartition(self._source.changelog, self._partition.tp.partition)
        prefix = f"{self._table.name}|".encode()
        consumer.assign([log])
        keys: set[bytes] = set()
        async for _, records in read_to_end(consumer, [log]):
            keys |= {key for record in records if (key := record.key) and key.startswith(prefix)}
        left = iter(keys)
        while some := list(islice(left, KEYS_AT_ONCE)):
            await self._write([(key, None) for key in some])

    async def _count(self, consumer: Consumer) -> None:
        partition, tp = self._partition, self._partition.tp
        consumer.assign([tp])
        earliest = (await consumer.beginning_offsets([tp]))[tp]
        recount = Recount.of(partition, self._table, min(earliest, partition.position))
        counted = recount.counted
        if recount.position:
            counted.since_ms = partition.context.now_ms()  # unless there is a record to tell
        while partition.is_open:
            if recount.position == partition.position == partition.delivered:
                partition.adopt(counted, counted.snapshot(self._format))
                return
            for fetched in (await drain(consumer, [tp], RECORDS_AT_ONCE, FETCH_SECONDS)).values():
                partition.is_held |= fetched.end >= partition.position
                if fetched.first < partition.position:
                    await self._add(recount, _below(partition.position, fetched))
                else:  # nothing is left before it
                    recount.position = recount.delivered = partition.position
                if recount.position < fetched.end:  # the partition has not finished all that was fetched
                    consumer.seek(tp, recount.position)
            await asyncio.sleep(POLL_SECONDS if partition.is_held else 0)

    async def _add(self, recount: Recount, fetched: Fetched) -> None:
        event_time, is_first = self._source.topic.event_time, not recount.last_record_ms
        batch = recount.deliver(event_time, fetched)
        if batch is not None:
            assert self._source.agent is not None
            assert self._source.work is not None
            await self._source.work(BatchStream(self._source.agent, _alone(batch)))
        counted = recount.counted
        if is_first and counted.since_ms is not None and recount.last_record_ms:
            counted.since_ms = recount.last_record_ms
        if recount.records >= RECORDS_A_SNAPSHOT:
            recount.records = 0
            await self._write(counted.snapshot(self._format))

    async def _write(self, changes: list[ChangelogRecord]) -> None:
        self._partition.write(changes)
        await self._checkpoint()


def _below(end: int, fetched: Fetched) -> Fetched:
    """Return what is before this offset."""
    if fetched.end <= end:
        return fetched
    slices = [
        RecordSlice([record for record in part.records if record.offset < end], part.newest_ms)
        for part in fetched.slices
    ]
    return Fetched(fetched.first, end, slices, fetched.size)


async def _alone(batch: Batch) -> AsyncIterator[Batch]:
    yield batch
