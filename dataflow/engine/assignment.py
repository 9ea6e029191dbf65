"""The assignment: the partitions that this worker owns, and how much of its memory they take."""

from collections.abc import Mapping, Sequence

from faust.types import TP

from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.state import PartitionState
from dataflow.engine.tables.steps import Steps
from dataflow.kafka.types import TopicPartition

Positions = Mapping[TP, tuple[int, PartitionState]]
"""Of each partition the next offset to read, and the state up to there."""


class Assignment:
    """Partitions of one session after another; pure, without Kafka and without a clock."""

    def __init__(self, options: EngineOptions) -> None:
        self.partitions: dict[TP, Partition] = {}
        self.backlog = Backlog()
        self.retained: dict[TP, tuple[int, PartitionState]] = {}
        """Committed offset and state of partitions that were revoked, in case they come back."""
        self.read_again = 0
        """Records that were handed out, and not committed when a session ended."""
        self.session = 0
        """Number of the session; what was fetched in another one is not handed out."""
        self._options = options

    def begin(self, recovered: Positions, context: PartitionContext) -> None:
        """Own these partitions, each from its position and state on."""
        self.retained = {}
        self.partitions = {tp: Partition(tp, at, state, context) for tp, (at, state) in recovered.items()}
        self.backlog = context.backlog

    def end(self, *, retain: bool) -> None:
        """End the session; `retain` the state of partitions of which all is committed."""
        clean = {tp: p for tp, p in self.partitions.items() if p.is_clean} if retain else {}
        self.retained = {tp: (p.committed, p.state) for tp, p in clean.items()}
        for partition in self.partitions.values():
            partition.is_open = False
            self.read_again += partition.delivered - partition.committed
        self.partitions, self.backlog = {}, Backlog()
        self.session += 1

    def interrupt_fetches(self) -> int:
        """Begin another session with the same partitions: a fetch that is under way takes nothing more."""
        self.session += 1
        return self.session

    @property
    def topics(self) -> set[str]:
        """The source topics of the partitions owned."""
        return {tp.topic for tp in self.partitions}

    def changelogs(self, by_topic: Mapping[str, str]) -> set[TopicPartition]:
        """Return the changelog partitions whose records are in use, also of what may come back."""
        return {TopicPartition(by_topic[tp.topic], tp.partition) for tp in {*self.partitions, *self.retained}}

    @property
    def unpaused(self) -> int:
        """How many partitions are read."""
        return sum(partition.pause is None for partition in self.partitions.values())

    def accepting(self) -> dict[TP, Partition]:
        """Return the partitions that may be handed more; the others wait for a checkpoint.

        The first half of the memory is for any partition; of the second each has its share,
        so that a full one does not hold up the others.
        """
        half = self._options.in_flight_bytes // 2
        in_flight = sum(partition.in_flight_bytes for partition in self.partitions.values())
        limit = half if in_flight < half else half // max(len(self.partitions), 1)
        return {
            tp: partition
            for tp, partition in self.partitions.items()
            if partition.in_flight_bytes < limit and partition.can_accept
        }

    def needs_checkpoint(self) -> bool:
        """Tell whether partitions would soon have to pause if nothing was written before its time."""
        options, backlog = self._options, self.backlog
        most_bytes = options.in_flight_bytes * 3 // 8
        if backlog.size < most_bytes and backlog.records < options.checkpoint_records:
            return False
        writable = [partition for partition in self.partitions.values() if partition.can_write]
        finished = sum(partition.finished_bytes for partition in writable)
        return finished >= most_bytes or sum(p.records for p in writable) >= options.checkpoint_records

    def upkeep(self) -> Steps[None]:
        """Keep the windows of all tables small, in steps between which batches come."""
        for partition in list(self.partitions.values()):
            yield from partition.upkeep()

    def uncommitted(self) -> Sequence[Partition]:
        """Return the partitions that have something to write since the last checkpoint."""
        return [
            p for p in self.partitions.values() if (p.position != p.committed or p.must_write) and p.can_write
        ]

    def has_batches_in_progress(self) -> bool:
        """Tell whether an agent is working on a batch."""
        return any(partition.in_progress for partition in self.partitions.values())
