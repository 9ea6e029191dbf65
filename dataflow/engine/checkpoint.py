"""Writes checkpoints: what several partitions have finished, in one Kafka transaction.

Outputs, dead letters, table changes and source offsets are committed together or not at all.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.engine.group import Group
from dataflow.engine.partition import Partition, Snapshot
from dataflow.errors import DataflowError
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import RecordBatches

NO_HEADERS: Headers = []


class OutputRefused(DataflowError):
    """A topic does not accept what we write; a new session does not mend that."""


class Guarantee(Protocol):
    """How outputs and offsets are tied together."""

    async def begin(self) -> None:
        """Open what the outputs are written into."""

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit the outputs written since `begin`, and these offsets."""


@dataclass(frozen=True, slots=True)
class ExactlyOnce:
    """One transaction: a `read_committed` reader sees all of it or nothing."""

    producer: TransactionalProducer
    group_id: str
    member: GroupMetadata
    transactional_id: str

    async def begin(self) -> None:
        """Begin the transaction."""
        await self.producer.begin_transaction()

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Add the offsets to the transaction, and commit it."""
        # The id goes along, so that whoever takes over can end what we may leave open.
        offsets_with_id = {tp: OffsetAndMetadata(at, self.transactional_id) for tp, at in offsets.items()}
        await self.producer.send_offsets(offsets_with_id, self.group_id, self.member)
        await self.producer.commit_transaction()


@dataclass(frozen=True, slots=True)
class AtLeastOnce:
    """Outputs first, offsets behind them: a crash in between writes and counts these outputs again."""

    group: Group

    async def begin(self) -> None:
        """Do nothing: there is no transaction."""

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit the offsets in the group."""
        await self.group.commit_offsets(offsets)


async def write_checkpoint(
    partitions: Sequence[Partition],
    producer: AIOKafkaProducer,
    guarantee: Guarantee,
    record_batches: RecordBatches,
    changelogs: dict[str, str],
) -> int:
    """Write what these partitions have finished; return how many events that were.

    `changelogs` names the changelog of each source topic. On any error nothing may be
    presumed about what was written: the session ends, and what is committed is read again.
    """
    # No await between: one instant.
    snapshots = [(partition, partition.snapshot()) for partition in partitions]
    await guarantee.begin()
    written = await asyncio.gather(
        *(
            _write(producer, record_batches, changelogs[partition.tp.topic], partition, snapshot)
            for partition, snapshot in snapshots
        )
    )
    # Each batch's own future: commit_transaction() would not notice one that failed.
    await asyncio.gather(*(_acknowledged(topic, future) for batches in written for topic, future in batches))
    await guarantee.commit({TopicPartition(*p.tp): snapshot.position for p, snapshot in snapshots})
    for partition, snapshot in snapshots:
        partition.on_committed(snapshot)
    return sum(snapshot.records for _, snapshot in snapshots)


async def _acknowledged(topic: str, acknowledgement: Awaitable[object]) -> None:
    try:
        await acknowledgement
    except (MessageSizeTooLargeError, TopicAuthorizationFailedError) as error:
        raise OutputRefused(
            f"topic {topic} has refused a record batch: {error}; expected it to take batches of 1 MiB "
            "(max.message.bytes; dead-letters more than any source), and to let this user write"
        ) from error


async def _write(
    producer: AIOKafkaProducer,
    record_batches: RecordBatches,
    changelog: str,
    partition: Partition,
    snapshot: Snapshot,
) -> list[tuple[str, Awaitable[object]]]:
    """Hand this partition's batches to the producer, in order, and return their futures."""
    now = int(time.time() * 1000)  # of the write, not of any event: only retention reads it
    entries = ((now, key, value, NO_HEADERS) for key, value in snapshot.changes)
    changes: list[tuple[str, int, BatchBuilder]] = [
        (changelog, partition.tp.partition, builder)
        for builder in record_batches.pack(entries, 64 * len(snapshot.changes))
    ]
    return [
        (topic, await producer.send_batch(builder, topic, partition=number))
        for topic, number, builder in snapshot.outputs + changes
    ]
