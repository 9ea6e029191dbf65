"""Enrichment: a decoder and its stage together add fields to raw events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import faust

from dataflow.engine.column_batch import VALUE, ColumnBatch
from dataflow.engine.decoding import EventDecoder
from dataflow.engine.json_members import drop_fields
from dataflow.engine.splice import Added, end_plainly, splice
from dataflow.engine.stage import apply_in_halves
from dataflow.kafka.record import Record

R = TypeVar("R", bound=faust.Record)


@dataclass(frozen=True, slots=True)
class EnrichStage(Generic[R]):
    """Adds what a pure function returns to every event; what came in goes out byte for byte."""

    name: str
    decoder: EventDecoder[R]
    """Gives the function what it reads, and says which fields it adds."""
    added_to: Callable[[R], Added]
    omits: frozenset[str] = frozenset()
    """Top-level fields that do not go out, chosen by the operator."""

    @property
    def columns(self) -> frozenset[str]:
        """The fields that it reads and those that it adds."""
        return self.decoder.reads | self.decoder.adds

    def __call__(self, raw: bytes) -> bytes:
        """Return `raw` with the fields added; raise `InvalidEvent` if it cannot be used.

        What a batch does with all of its events at once, in C where it can.
        """
        event = self.decoder.read(raw)
        return self._join([raw], [event], [self.added_to(event)])[0]

    def apply(self, records: Sequence[Record], rows: ColumnBatch[R]) -> None:
        """Add every event and its new fields; reject what cannot be used."""
        rows.adds, rows.join = self.decoder.adds, self._join
        apply_in_halves(records, self._apply, rows, self.decoder.fault)

    def _apply(self, records: Sequence[Record], rows: ColumnBatch[R]) -> None:
        raws = list(map(VALUE, records))
        # msgspec does not look into strings that it skips
        if not all(map(bytes.isascii, raws)):
            for raw in raws:
                str(raw, "utf-8")  # of null a TypeError, as the decoder's
        events = list(map(self.decoder.decode, raws))
        added = list(map(self.added_to, events))
        rows.records += records
        rows.events += events
        rows.added += added

    def _join(self, raws: Sequence[bytes], events: Sequence[R], added: Sequence[Added]) -> list[bytes]:
        """Return the events with the fields added to each, without those that are omitted."""
        if self.omits:
            raws = [drop_fields(raw, self.omits) for raw in raws]
        if any(map(self.decoder.has_added_field, events)) or not end_plainly(raws):
            return [splice(raw, fields) for raw, fields in zip(raws, added, strict=True)]
        return [raw[:-1] + fields.tail for raw, fields in zip(raws, added, strict=True)]
