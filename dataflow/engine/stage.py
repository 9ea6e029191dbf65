"""Stages: what an agent has a batch do with its records; those that parse, filter and only count them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Generic, Protocol, TypeVar

from dataflow.engine.column_batch import VALUE, ColumnBatch
from dataflow.engine.decoding import DECODING_ERRORS
from dataflow.engine.lone_surrogates import without_lone_surrogates
from dataflow.errors import InvalidEvent
from dataflow.kafka.record import Header, Record

E = TypeVar("E")

EVENT_FAULTS = (*DECODING_ERRORS, InvalidEvent)
"""What a stage raises for an event that it cannot use."""


class DroppedEvent(Exception):
    """A parser leaves this event out on purpose, by the rule that is its argument."""


Fault = Callable[[Exception, bytes | None], InvalidEvent]
"""Returns why a value cannot be used, given what was raised; raises again what is no fault of the value."""

Verdict = str | tuple[str, ...] | None
"""The rule that drops an event, or the topics that it is to go to; None lets it pass."""


class Stage(Protocol[E]):
    """Decides for each record whether it goes on, and in which form."""

    @property
    def name(self) -> str:
        """As on the command line, in metrics and on dead letters: ``stay-category``."""

    @property
    def columns(self) -> frozenset[str]:
        """Names of what tables can count of the events that go on."""

    def apply(self, records: Sequence[Record], rows: ColumnBatch[E]) -> None:
        """Add to `rows` what becomes of each of these records, which one producer wrote together."""


def apply_in_halves(
    records: Sequence[Record],
    apply: Callable[[Sequence[Record], ColumnBatch[E]], None],
    rows: ColumnBatch[E],
    fault: Fault,
) -> None:
    """Apply to all records at once; those that cannot be used are found by halves, and rejected.

    In one that only has lone surrogates these are replaced. `apply` raises one of `EVENT_FAULTS` before it
    has added anything.
    """
    try:
        apply(records, rows)
    except EVENT_FAULTS as error:
        half = len(records) // 2
        if half:
            apply_in_halves(records[:half], apply, rows, fault)
            apply_in_halves(records[half:], apply, rows, fault)
        elif not _apply_mended(records[0], apply, rows):
            rows.rejected.append((records[0], fault(error, records[0].value)))


def _apply_mended(
    record: Record, apply: Callable[[Sequence[Record], ColumnBatch[E]], None], rows: ColumnBatch[E]
) -> bool:
    """Apply to a record without its lone surrogates; tell whether that helped."""
    mended = without_lone_surrogates(record)
    try:
        if mended is not None:
            apply([mended], rows)
    except EVENT_FAULTS:
        return False
    return mended is not None


@dataclass(frozen=True, slots=True)
class ParseStage(Generic[E]):
    """Puts another value in the place of every event.

    `read(raw)` gives the fields that tables count, and the value that goes on. It raises
    what `fault` turns into a dead letter, or `DroppedEvent`.
    """

    name: str
    read: Callable[[bytes | None], tuple[E, bytes]]
    fault: Fault
    columns: frozenset[str] = frozenset()

    def apply(self, records: Sequence[Record], rows: ColumnBatch[E]) -> None:
        """Add every event that can be parsed; reject the others."""
        read = self.read
        for record in records:
            raw = record.value
            try:  # costs nothing here, and no line is parsed twice
                event, value = read(raw)
            except EVENT_FAULTS as error:
                rows.rejected.append((record, self.fault(error, raw)))
            except DroppedEvent as dropped:
                rows.dropped.append(str(dropped))
            else:
                rows.records.append(record)
                rows.events.append(event)
                rows.raws.append(value)


@dataclass(frozen=True, slots=True)
class FilterStage(Generic[E]):
    """Lets events pass, byte for byte, or drops them by a named rule.

    `judge(raws)` gives the verdict on each event. `read(raw)` gives the fields that tables
    count. Both raise what `fault` turns into a dead letter; `judge` if any of them is one.
    """

    name: str
    judge: Callable[[Sequence[bytes]], Sequence[Verdict]]
    read: Callable[[bytes], E]
    fault: Fault
    columns: frozenset[str] = frozenset()
    header: Header | None = None
    """Header of every event that passes."""

    def apply(self, records: Sequence[Record], rows: ColumnBatch[E]) -> None:
        """Add the events that every rule lets pass; drop or reject the others."""
        rows.header = self.header
        apply_in_halves(records, self._apply, rows, self.fault)

    def _apply(self, records: Sequence[Record], rows: ColumnBatch[E]) -> None:
        raws = list(map(VALUE, records))
        verdicts = self.judge(raws)
        passes = [type(verdict) is not str for verdict in verdicts]
        passing = list(compress(raws, passes))
        events = list(map(self.read, passing))
        rows.records += compress(records, passes)
        rows.events += events
        rows.raws += passing
        rows.routes += [verdict for verdict in verdicts if type(verdict) is tuple]
        if len(passing) < len(verdicts):
            rows.dropped += [verdict for verdict in verdicts if type(verdict) is str]


@dataclass(frozen=True, slots=True)
class RecordStage(Generic[E]):
    """Reads what tables count of every record; `read` never fails, and nothing can be sent on."""

    name: str
    read: Callable[[Record], E]
    columns: frozenset[str] = frozenset()

    def apply(self, records: Sequence[Record], rows: ColumnBatch[E]) -> None:
        """Add every record."""
        rows.records += records
        rows.events += map(self.read, records)
