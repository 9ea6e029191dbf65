"""Writes checkpoints: what several partitions have finished, in one Kafka transaction.

Outputs, dead letters, table changes and source offsets are committed together or not at all.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from faust.types import TP

from dataflow.engine.assignment import Assignment
from dataflow.engine.engine_metrics import CHANGELOG_BYTES
from dataflow.engine.loop_turns import LoopTurns
from dataflow.engine.partition import Partition, Snapshot
from dataflow.engine.topic_identity import TopicMadeAnew, check_same
from dataflow.engine.topology import Topology
from dataflow.instants import now_ms
from dataflow.kafka.errors import BROKER_AWAY, DENIED, NO_MEMBER, Fenced, TimestampsRefused
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.producers import Acknowledgement, TransactionalProducer, end_of, led_partition
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.transaction import transaction
from dataflow.kafka.types import OffsetAndMetadata, TopicPartition

NO_HEADERS: Headers = []
LONGEST_HOLD_SECONDS = 0.002
UNEXPECTED_IN_A_ROW = 3
FENCED_A_MINUTE = 5


async def write_checkpoint(
    assignment: Assignment,
    member: Callable[[], GroupMetadata | None],
    producer: TransactionalProducer,
    group_id: str,
    record_batches: RecordBatches,
    topology: Topology,
) -> int:
    """Write what partitions have finished, as soon as the broker has ended the last transaction.

    Returns to how many partitions of outputs and changelogs. `member` says as whom the group knows us then.
    On any error nothing may be presumed about what was written: the session ends, and what is committed is
    read again.
    """
    async with transaction(producer):
        await producer.add_group(group_id)
        current, snapshots = member(), await _snapshots(assignment)
        assert current is not None
        producer.add_partitions(_written(snapshots, topology))
        turns = LoopTurns()
        _, *sent = await asyncio.gather(
            check_same(producer, (p for p, _ in snapshots), topology.changelogs),
            *(_write(turns, producer, record_batches, topology, p, s) for p, s in snapshots),
        )
        # One after the other: for each the broker asks whether it is in the transaction, once at a time.
        await producer.acknowledged()
        await _send_offsets(producer, group_id, current, snapshots)
    for (partition, snapshot), (last, records) in zip(snapshots, sent, strict=True):
        partition.on_committed(snapshot, end_of(last, records))
    return sum(snapshot.partition_batches for _, snapshot in snapshots)


async def _send_offsets(
    producer: TransactionalProducer,
    group_id: str,
    member: GroupMetadata,
    snapshots: list[tuple[Partition, Snapshot]],
) -> None:
    """Commit where each partition goes on."""
    note = producer.transactional_id  # whoever takes over can end what we may leave open
    offsets = {TopicPartition(*p.tp): OffsetAndMetadata(s.position, note) for p, s in snapshots}
    epochs = {TopicPartition(*p.tp): s.leader_epoch for p, s in snapshots}
    await producer.send_offsets(offsets, group_id, member, epochs)


def _written(snapshots: list[tuple[Partition, Snapshot]], topology: Topology) -> set[TopicPartition]:
    """Return what will be written to, but for dead letters: they go to a partition that has a leader then."""
    outputs = (output for _, snapshot in snapshots for output in snapshot.outputs)
    written = {
        TopicPartition(topic, number) for topic, number, _ in outputs if topic != topology.dead_letters
    }
    changelogs = {
        TopicPartition(topology.sources[partition.tp.topic].changelog, partition.tp.partition)
        for partition, _ in snapshots
    }
    return written | changelogs


async def _snapshots(assignment: Assignment) -> list[tuple[Partition, Snapshot]]:
    """Take a snapshot of each partition; each is one instant, between them the main loop goes on."""
    snapshots, held_since = [], time.monotonic()
    for partition in assignment.uncommitted():
        if assignment.partitions.get(TP(*partition.tp)) is partition:  # else revoked meanwhile
            snapshots.append((partition, partition.snapshot()))
        if time.monotonic() - held_since > LONGEST_HOLD_SECONDS:
            await asyncio.sleep(0)
            held_since = time.monotonic()
    return snapshots


async def _write(
    turns: LoopTurns,
    producer: TransactionalProducer,
    record_batches: RecordBatches,
    topology: Topology,
    partition: Partition,
    snapshot: Snapshot,
) -> tuple[Acknowledgement, int]:
    """Hand this partition's batches to the producer, in order; return the last one's, and its records."""
    await turns.take()  # to pack what many partitions have changed takes long
    changelog = topology.sources[partition.tp.topic].changelog
    now = now_ms()  # of the write, not of any event: only retention reads it
    entries = ((now, key, value, NO_HEADERS) for key, value in snapshot.changes)
    for topic, number, batch in snapshot.outputs:
        is_any = topic == topology.dead_letters
        to = await led_partition(producer, topic, number) if is_any else number
        await producer.send_batch(batch, topic, partition=to)
    # There is one change at least.
    for batch in record_batches.pack_for(changelog, entries, 64 * len(snapshot.changes)):
        CHANGELOG_BYTES.labels(partition.tp.topic).inc(batch.size())
        last = await producer.send_batch(batch, changelog, partition=partition.tp.partition)
        records = batch.record_count()
    return last, records


class CheckpointErrors:
    """Counts what has gone wrong since the last good checkpoint.

    A broker that is away and a right that is missing are waited for without end, and a worker that
    has left the group joins it again. Anything else three times in a row does not mend itself, and neither
    does another worker with our transactional id.
    """

    def __init__(self) -> None:
        self._unexpected = 0
        self._fenced: deque[float] = deque(maxlen=FENCED_A_MINUTE)

    def clear(self) -> None:
        """Note that a checkpoint has gone through."""
        self._unexpected = 0

    def is_fatal(self, error: BaseException) -> bool:
        """Note this error; tell whether a new session is of no use."""
        if isinstance(error, TimestampsRefused | TopicMadeAnew):
            return False  # the next session writes others; or pauses the stream
        if isinstance(error, Fenced):
            self._fenced.append(time.monotonic())
            return len(self._fenced) == FENCED_A_MINUTE and self._fenced[-1] - self._fenced[0] < 60
        cause = error.__cause__ or error
        if isinstance(cause, BROKER_AWAY + DENIED + NO_MEMBER) or getattr(cause, "retriable", False):
            return False
        self._unexpected += 1
        return self._unexpected >= UNEXPECTED_IN_A_ROW
