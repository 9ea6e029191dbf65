"""Sink contract: what a sink gets, and how it answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dataflow.engine.lone_surrogates import as_sent, without_lone_surrogates
from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.packed_batch import UnreadRecord
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition

T = TypeVar("T")

_SPACES = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True)
class SinkBatch:
    """The next records of one partition, in the order of their offsets; at least one.

    Topic, partition and offset are the origin of a record and its natural key. Timestamps
    of records are ms since 1970 UTC; headers and key are as they were sent.
    """

    tp: TopicPartition
    records: Sequence[Record]
    end: int
    """Offset of the next batch; offsets between the records hold nothing to be stored."""
    topic_id: str = ""
    """A topic that is deleted and created again, or whose log has lost records, has another one; empty for
    brokers before 2.8.

    Its offsets are those of other records: `Origins` gives it another name than the first one's.
    """

    def stored(self, rejected: Sequence["Rejection"] = ()) -> "WriteResult":
        """Return that all of the batch is stored, except the rejected records."""
        return WriteResult(self.end, rejected)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that the system rejects, and would reject again; the detail is in its own words."""

    record: Record
    fault: InvalidEvent


def rejection(record: Record, error: object, reason: Reason = Reason.WRONG_TYPE) -> Rejection:
    """Return the rejection of a record, with the error of the system."""
    return Rejection(as_sent(record), InvalidEvent(reason, str(error)))


def convert(records: Iterable[Record], make: Callable[[Record], T]) -> tuple[list[T], list[Rejection]]:
    r"""Return what `make` makes of the records; those for which it raises `InvalidEvent` are rejected.

    As for stages, half a character (``\ud800``) is no fault of a record: it is stored as U+FFFD. So a sink
    stores every event that the tables count.
    """
    made: list[T] = []
    rejected: list[Rejection] = []
    for record in records:
        if isinstance(record, UnreadRecord):
            rejected.append(Rejection(record, record.fault))
            continue
        try:
            made.append(make(record))
        except InvalidEvent as fault:
            try:
                made.append(make(_mended(record, fault)))
            except InvalidEvent:
                rejected.append(Rejection(record, fault))
    return made, rejected


def _mended(record: Record, fault: InvalidEvent) -> Record:
    mended = without_lone_surrogates(record)
    if mended is None:
        raise fault
    return mended


def one_line(raw: bytes) -> bytes:
    """Return a valid JSON text in one line: line feeds, which can only be white space, become spaces."""
    return raw.translate(_SPACES) if b"\n" in raw or b"\r" in raw else raw


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a batch."""

    end: int
    """All records of the partition below this offset are stored for good, or were rejected.

    A sink that buffers larger objects answers with less than the end of the batch, or with
    the same offset as before; after a restart it gets the rest again, from this offset on.
    """
    rejected: Sequence[Rejection] = ()
    """Records of this batch; their dead letters are written once `end` has passed them."""


class Sink(ABC):
    """A system that stores records; only `write` is required.

    Batches of a partition come one at a time, in order and without a gap, starting at its
    committed offset; batches of different partitions come concurrently. The same records may
    come again after a crash, a rebalance or an outage: storing them twice must have the same
    result as storing them once. `write` may be cancelled: a partial write must do no harm.
    """

    name: str
    """Lower case: names the role ``sink-<name>``, the consumer group, the stage on dead letters."""
    topics: Collection[str]
    """The topics that it stores."""

    async def open(self) -> None:  # noqa: B027  # optional
        """Connect and create what is missing. Raise `SinkUnavailable` to be called again later."""

    @abstractmethod
    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch.

        Raise `SinkUnavailable` while the system is unavailable: the same batch comes again after a pause.
        Rejected records go into the answer. Any other error is a bug and stops the worker.
        """

    async def release(self, tp: TopicPartition) -> None:  # noqa: B027  # optional
        """Forget the partition: another worker may continue it, or it restarts at its committed offset."""

    async def close(self) -> None:  # noqa: B027  # optional
        """Disconnect; no write is in progress."""
