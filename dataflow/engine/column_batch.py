"""The events of a batch that go on: decoded, dated, in columns for tables and as records for topics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter
from typing import Any

from aiokafka.record.default_records import DefaultRecord

from dataflow.engine.event_time import EventTime
from dataflow.engine.splice import Added
from dataflow.engine.tables.rows import FUTURE, UNDATED
from dataflow.kafka.record_batches import Header, Headers, Outgoing, largest_size

TIMESTAMP, KEY, VALUE, HEADERS = map(attrgetter, ("timestamp", "key", "value", "headers"))
RECORD_BYTES = 128  # around key, value and headers, in a record batch of its own
EARLIEST_MS = 31_536_000_000  # 1971-01-01: what lies before is a clock that was never set


@dataclass(frozen=True, slots=True)
class TimestampRun:
    """Rows up to `end` that one producer wrote together, and its newest record timestamp in ms."""

    end: int
    newest_ms: int


class ColumnBatch:
    """Events that one batch sends on; all sequences are parallel, in the order of the log."""

    def __init__(  # noqa: PLR0913, PLR0917 - parallel sequences, made in two places
        self,
        records: list[DefaultRecord],
        events: list[Any],
        make: Callable[[], list[bytes]],
        timestamp_runs: Sequence[TimestampRun],
        event_time: EventTime | None,
        added: list[Added] | None = None,
        adds: frozenset[str] = frozenset(),
    ) -> None:
        self.records = records
        self.events = events
        self.times: list[int] = []
        self.is_sent = False
        self.header: Header | None = None
        """Header that each of them gets."""
        self.routes: list[tuple[str, ...]] = []
        """The topics that each of them goes to; empty: all go wherever they are sent."""
        self._make = make
        self._columns: dict[str, Sequence[object]] = {}  # several tables count by the same ones
        self._made: dict[Callable[..., bytes] | None, list[bytes]] = {}
        self._timestamp_runs = timestamp_runs
        self._event_time = event_time
        self._added = added or []
        self._adds = adds

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row: of a field that was added, else of the event; None where it has none."""
        known = self._columns.get(name)
        if known is None:
            if name in self._adds:
                known = [added.fields.get(name) for added in self._added]
            else:
                known = list(map(attrgetter(name), self.events))
            self._columns[name] = known
        return known

    def values(self, encode: Callable[..., bytes] | None = None) -> list[bytes]:
        """Return the values that go out: as the stage made them, or as `encode` makes them.

        `encode(event, added)` gives the value of an event, `encode(event)` if nothing was added.
        """
        made = self._made.get(encode)
        if made is None:
            columns = (self.events, self._added) if self._added else (self.events,)
            made = self._make() if encode is None else list(map(encode, *columns))
            self._made[encode] = made
        return made

    def oversized(self, encode: Callable[..., bytes] | None, most_bytes: int) -> int | None:
        """Return the first row whose record, with key and headers, makes more than `most_bytes`."""
        values = self.values(encode)
        if max(map(len, values), default=0) + self._beside_values() + RECORD_BYTES <= most_bytes:
            return None
        for index, (key, value, headers) in enumerate(
            zip(map(KEY, self.records), values, self._headers(), strict=True)
        ):
            if largest_size(key, value, headers) > most_bytes:
                return index
        return None

    def _beside_values(self) -> int:
        """Return how large the largest key and the largest headers are together."""
        different = {id(few): few for few in filter(None, self._headers())}.values()
        return max(map(len, filter(None, map(KEY, self.records))), default=0) + max(
            (sum(len(name) + len(value or b"") + 16 for name, value in few) for few in different), default=0
        )

    def remove(self, index: int) -> DefaultRecord:
        """Take one row out, and return the record that it was."""
        self.values()  # later they would be made of all rows
        for parallel in (self.events, self._added, self.routes, *self._made.values()):
            if parallel:
                del parallel[index]
        self._columns.clear()
        self._timestamp_runs = [
            TimestampRun(run.end - (run.end > index), run.newest_ms) for run in self._timestamp_runs
        ]
        return self.records.pop(index)

    def outgoing(self, topic: str, encode: Callable[..., bytes] | None) -> Outgoing:
        """Return the rows as they go on: the producer's timestamp, key and headers, the new value."""
        records, values = self.records, self.values(encode)
        columns = map(TIMESTAMP, records), map(KEY, records), values, self._headers()
        every = zip(*columns, strict=True)
        chosen = compress(every, [topic in route for route in self.routes]) if self.routes else every
        return Outgoing(topic, chosen, sum(map(len, values)))

    def _headers(self) -> list[Headers]:
        """Return the headers that go out: the producer's, and the stamp."""
        own, header = list(map(HEADERS, self.records)), self.header
        if header is None:
            return own
        alone = [header]  # most records have none of their own, and share this
        if not any(own):
            return [alone] * len(own)
        return [[*(h for h in few if h[0] != header[0]), header] if few else alone for few in own]

    def assign_event_times(self, stream_time_ms: int, ahead_ms: int) -> None:
        """Fill `times`: event times, `FUTURE` for those too far ahead of what producers' clocks have shown.

        `stream_time_ms` is the newest record timestamp before this batch, 0 for none. The wall
        clock has no say, so that a replay dates every event as the first time.
        """
        assert self._event_time is not None
        times = list(map(self._event_time.parse, self.column(self._event_time.column)))
        if times and min(times) < EARLIEST_MS:
            times = [time if time >= EARLIEST_MS else UNDATED for time in times]
        begin = 0
        for run in self._timestamp_runs:
            stream_time_ms = later(stream_time_ms, run.newest_ms)
            part = times[begin : run.end]
            if stream_time_ms and part and max(part) > stream_time_ms + ahead_ms:
                latest = stream_time_ms + ahead_ms
                times[begin : run.end] = [t if t <= latest else FUTURE for t in part]
            begin = run.end
        self.times = times


def later(stream_time_ms: int, timestamp_ms: int) -> int:
    """Return the later of both; a record timestamp before 1971 tells nothing."""
    return max(stream_time_ms, timestamp_ms) if timestamp_ms >= EARLIEST_MS else stream_time_ms
