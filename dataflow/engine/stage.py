"""Stages: what an agent has a batch do with its records."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.decoding import DECODING_ERRORS
from dataflow.errors import InvalidEvent
from dataflow.kafka.record import Record

E = TypeVar("E")

EVENT_FAULTS = (*DECODING_ERRORS, InvalidEvent)
"""What a stage raises for an event that it cannot use."""

Fault = Callable[[Exception, bytes | None], InvalidEvent]
"""Returns why a value cannot be used, given what was raised; raises again what is no fault of the value."""


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

    `apply` raises one of `EVENT_FAULTS` before it has added anything.
    """
    try:
        apply(records, rows)
    except EVENT_FAULTS as error:
        half = len(records) // 2
        if half:
            apply_in_halves(records[:half], apply, rows, fault)
            apply_in_halves(records[half:], apply, rows, fault)
        else:
            rows.rejected.append((records[0], fault(error, records[0].value)))
