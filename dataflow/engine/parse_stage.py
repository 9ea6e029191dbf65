"""Parse: raw events become other ones, each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.stage import EVENT_FAULTS, Fault
from dataflow.kafka.record import Record

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class ParseStage(Generic[E]):
    """Puts another value in the place of every event.

    `read(raw)` gives the fields that tables count, and the value that goes on. It raises
    what `fault` turns into a dead letter.
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
            else:
                rows.records.append(record)
                rows.events.append(event)
                rows.raws.append(value)
