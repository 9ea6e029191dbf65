"""Records as they are, with their headers, for tables alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataflow.engine.column_batch import ColumnBatch
from dataflow.kafka.record import Record

E = TypeVar("E")


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
