"""Partition context: what a partition uses of its worker, and what all of a session have before them."""

from collections.abc import Callable
from dataclasses import dataclass

from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.options import EngineOptions
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.tables.changelog import FORMAT_VERSION
from dataflow.instants import now_ms
from dataflow.kafka.record_batches import RecordBatches


@dataclass(slots=True)
class Backlog:
    """What all partitions of a session have before them."""

    batches: int = 0  # handed out, not finished
    records: int = 0  # finished, not in a checkpoint
    size: int = 0  # bytes of these


@dataclass(frozen=True, slots=True)
class PartitionContext:
    """What a partition needs of its worker."""

    options: EngineOptions
    record_batches: RecordBatches
    partitions_of: Callable[[str], int]
    on_finished: Callable[[], None]
    on_bug: Callable[[BaseException], None]
    """Takes what must stop the worker."""
    pauses: StreamPauses
    on_output: Callable[[str, str], None]
    """Takes a source topic, and one that is written of it."""
    backlog: Backlog
    batch_sizes: BatchSizes
    now_ms: Callable[[], int] = now_ms
    changelog_format: int = FORMAT_VERSION
    """What is written: all members of the group read it."""
