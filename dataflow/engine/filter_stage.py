"""Filter: rules decide whether an event goes on, byte for byte, and to which topics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Generic, TypeVar

from dataflow.engine.column_batch import VALUE, ColumnBatch
from dataflow.engine.stage import Fault, apply_in_halves
from dataflow.kafka.record import Header, Record

E = TypeVar("E")

Verdict = str | tuple[str, ...] | None
"""The rule that drops an event, or the topics that it is to go to; None lets it pass."""


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
