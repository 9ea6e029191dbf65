"""Sink contract: records of one partition in; stored for good, or refused one by one, out."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition

from dataflow.errors import InvalidEvent, Reason


@dataclass(frozen=True, slots=True)
class SinkBatch:
    """The next records of one partition, in the order of their offsets; never none.

    Topic, partition and offset are the origin of a record and its natural key. Timestamps
    of records are ms since 1970 UTC, headers and key as they were sent.
    """

    tp: TopicPartition
    records: Sequence[DefaultRecord]
    end: int
    """Offset to go on from; offsets between the records hold nothing to be stored."""

    def stored(self, rejected: Sequence["Rejection"] = ()) -> "WriteResult":
        """Return that all of the batch is stored but what was rejected."""
        return WriteResult(self.end, rejected)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that the system refuses, and will refuse again; the detail is in its own words."""

    record: DefaultRecord
    fault: InvalidEvent


def rejection(record: DefaultRecord, error: object, reason: Reason = Reason.WRONG_TYPE) -> Rejection:
    """Return a record as refused, with what the system said of it."""
    return Rejection(record, InvalidEvent(reason, str(error)))


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What came of a batch."""

    end: int
    """All records of the partition below this offset are stored for good, or were rejected.

    A sink that gathers larger objects answers with less than the batch's end, or with
    what it said before; it is given the rest again after a restart, from here on.
    """
    rejected: Sequence[Rejection] = ()
    """Records of this batch; their dead letters wait until `end` has passed them."""


class Sink(ABC):
    """A system that records leave for; only `write` has to be there.

    Batches of a partition come one at a time, in order and without a gap, beginning at
    its committed offset; different partitions come at the same time. The same records may
    come again, after a crash, a rebalance or an outage: storing them twice must be the
    same as storing them once. `write` may be cancelled: what it then leaves behind must
    not matter either.
    """

    name: str
    """Lower case: names the role ``sink-<name>``, the consumer group, the stage on dead letters."""
    topics: Collection[str]
    """What it stores."""

    async def open(self) -> None:  # noqa: B027  # not every sink has to
        """Connect and make what is missing. Raise `SinkUnavailable` to be called again later."""

    @abstractmethod
    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch.

        Raise `SinkUnavailable` while the system is away: the same batch comes again
        later, after a pause. Records that it refuses go into the answer. Any other error
        is a bug and ends the worker.
        """

    async def release(self, tp: TopicPartition) -> None:  # noqa: B027  # not every sink has to
        """Forget the partition: somebody else may go on with it, or it begins anew at what was committed."""

    async def close(self) -> None:  # noqa: B027  # not every sink has to
        """Disconnect; nothing is being written any more."""
