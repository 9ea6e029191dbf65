"""Dead letters: a record that cannot be used in, the same bytes with reason and origin out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dataflow.errors import DataflowError, InvalidEvent
from dataflow.instants import now_ms
from dataflow.kafka.packed_batch import UnreadRecord
from dataflow.kafka.record import Headers, OutputRecord, Record
from dataflow.kafka.record_batches import largest_size
from dataflow.kafka.types import TopicPartition

PREFIX = "dataflow-"
CONTENT: Final = "content"
LEFT_OUT: Final = b"left out"
"""Stands in the first header of a dead letter without the content of its record."""
DETAIL_CHARACTERS = 1_000  # a detail may quote the event


class TooManyDeadLetters(DataflowError):
    """So much cannot be used that the fault is more likely ours than the data's: do not go on."""


def reason_headers(stage: str, fault: InvalidEvent, **origin: object) -> Headers:
    """Return the headers of a dead letter: why it is one, and where it came from."""
    noted = {"stage": stage, "reason": fault.reason, "detail": fault.detail[:DETAIL_CHARACTERS], **origin}
    return [(PREFIX + name, str(value).encode(errors="replace")) for name, value in noted.items()]


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that `stage` cannot use, and why."""

    record: Record
    stage: str
    fault: InvalidEvent

    def headers(self, tp: TopicPartition) -> Headers:
        """Return where the record came from and why it is here, then its own headers as they were."""
        origin = {"topic": tp.topic, "partition": tp.partition, "offset": self.record.offset}
        ours = reason_headers(self.stage, self.fault, **origin, timestamp=self.record.timestamp)
        if isinstance(self.record, UnreadRecord):  # before ours, where no sender's header can be
            return [(PREFIX + CONTENT, LEFT_OUT), *ours]
        return ours + list(self.record.headers)

    def without_content(self, size: int) -> "RejectedRecord":
        """Return it without key, value and headers of the record, which have so many bytes."""
        left_out = f"its {size} bytes are left out, as this topic has refused so many"
        detail = f"{left_out}; {self.fault.detail}"
        fault = InvalidEvent(self.fault.reason, detail)
        return replace(
            self, record=UnreadRecord(self.record.offset, self.record.timestamp, fault), fault=fault
        )


class DeadLetterLimit:
    """Refuses the batch with which a partition has an unbroken run, or too large a share, of dead letters."""

    def __init__(self, run: int, share: float, share_of: int) -> None:
        self.run = run
        self.share = share
        self.share_of = share_of
        self._in_a_row = 0
        self._seen = 0
        self._dead = 0
        self._last: RejectedRecord | None = None

    def check(self, tp: TopicPartition, seen: int, dead: Sequence[RejectedRecord], ends_dead: bool) -> None:
        """Note the outcome of a batch; raise `TooManyDeadLetters` when a limit is passed.

        `ends_dead`: the whole batch was dead letters, so that a run goes on through it.
        """
        self._in_a_row = self._in_a_row + len(dead) if ends_dead else 0
        self._seen += seen
        self._dead += len(dead)
        self._last = dead[-1] if dead else self._last
        if self._in_a_row >= self.run:
            raise self._stop(tp, f"{self._in_a_row} dead letters in a row", f"fewer than {self.run}")
        if self._seen >= self.share_of:
            if self._dead > self.share * self._seen:
                outcome = f"{self._dead} dead letters in {self._seen} events"
                raise self._stop(tp, outcome, f"a share of at most {self.share}")
            self._seen = self._dead = 0

    def _stop(self, tp: TopicPartition, outcome: str, expected: str) -> TooManyDeadLetters:
        last = self._last
        assert last is not None
        return TooManyDeadLetters(
            f"partition {tp.partition} of {tp.topic} has {outcome}; expected {expected}. "
            f"The last, at offset {last.record.offset}, in stage {last.stage}: {last.fault}. "
            "Nothing of this batch is committed; correct the stage or the producer, or raise the limit"
        )


def as_records(tp: TopicPartition, dead: Sequence[RejectedRecord], most_bytes: int) -> Iterator[OutputRecord]:
    """Yield (timestamp, key, value, headers) of what goes to the dead-letter topic.

    Of a record with more than `most_bytes` only where it is, and why. A source takes what is small while
    it is packed, and the topic would refuse it for ever.
    """
    now = now_ms()  # the record's own, which a topic may refuse, is in a header
    for letter in dead:
        record, headers = letter.record, letter.headers(tp)
        size = largest_size(record.key, record.value or b"", headers)
        if size <= most_bytes:
            yield now, record.key, record.value, headers
        else:
            yield now, None, None, letter.without_content(size).headers(tp)
