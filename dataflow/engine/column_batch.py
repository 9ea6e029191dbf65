"""The events of a batch that go on: decoded, dated, in columns for tables and as records for topics."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, repeat
from operator import attrgetter
from typing import Any, Generic, TypeVar

from dataflow.engine.event_time import EventTime
from dataflow.engine.splice import Added
from dataflow.engine.tables.event_time_state import LATEST
from dataflow.engine.tables.rows import FUTURE, UNDATED
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.instants import EARLIEST_MS
from dataflow.kafka.record import Header, Headers, Outgoing, Record

TIMESTAMP, KEY, VALUE, HEADERS = map(attrgetter, ("timestamp", "key", "value", "headers"))
RECORD_BYTES = 128  # around key, value and headers, in a record batch of its own

E = TypeVar("E")

NOTHING_ADDED = Added()
Encode = Callable[[E, Added], bytes]
"""Makes another value of an event and the fields that are added to it."""
Join = Callable[[Sequence[bytes], Sequence[E], Sequence[Added]], list[bytes]]
"""Makes the values that go out of those that came in, their events and the fields that are added."""


@dataclass(frozen=True, slots=True)
class TimestampRun:
    """Rows up to `end` that one producer wrote together: newest record timestamp and `record_time`, in ms."""

    end: int
    newest_ms: int
    time_ms: int


class ColumnBatch(Generic[E]):
    """Events of a batch that its stage lets go on; all lists are parallel, in the order of the log."""

    def __init__(self, event_time: EventTime | None = None, columns: frozenset[str] = frozenset()) -> None:
        self.records: list[Record] = []
        self.events: list[E] = []
        self.raws: list[bytes] = []
        """The values that go out, where `join` does not make them."""
        self.added: list[Added] = []
        """What goes out beside each event; empty: nothing is added."""
        self.adds: frozenset[str] = frozenset()
        """Names of what may be in `added`."""
        self.join: Join[E] | None = None
        """Makes the values that go out; called only if they do."""
        self.header: Header | None = None
        """Header that each of them gets."""
        self.routes: list[tuple[str, ...]] = []
        """The topics that each of them goes to; empty: all go wherever they are sent."""
        self.dropped: list[str] = []
        """The rule of each event that does not go on."""
        self.rejected: list[tuple[Record, InvalidEvent]] = []
        """The records that cannot be used."""
        self.columns = columns
        self.times: list[int] = []
        self.advances: list[int] = []
        """How far each row moves event time: to its own, or to its `record_time` where that is earlier."""
        self.is_sent = False
        self._columns: dict[str, Sequence[object]] = {}  # several tables count by the same ones
        self._values: dict[Encode[E] | None, list[bytes]] = {}
        self._timestamp_runs: list[TimestampRun] = []
        self._event_time = event_time

    def __len__(self) -> int:
        return len(self.records)

    def end_run(self, newest_ms: int, time_ms: int) -> None:
        """Note that what came since the last call was written together, and when."""
        self._timestamp_runs.append(TimestampRun(len(self.records), newest_ms, time_ms))

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row: of a field that was added, else of the event; None where it has none."""
        known = self._columns.get(name)
        if known is None:
            if name in self.adds:
                known = [added.fields.get(name) for added in self.added]
            else:
                known = list(map(attrgetter(name), self.events))
            self._columns[name] = known
        return known

    def values(self, encode: Encode[E] | None = None) -> list[bytes]:
        """Return the values that go out: as the stage made them, or as `encode` makes them."""
        values = self._values.get(encode)
        if values is None:
            if encode is not None:
                values = list(map(encode, self.events, self.added or repeat(NOTHING_ADDED)))
            elif self.join is not None:
                values = self.join(list(map(VALUE, self.records)), self.events, self.added)
            else:
                values = self.raws
            self._values[encode] = values
        return values

    def remove(self, index: int) -> Record:
        """Take one row out, and return the record that it was."""
        self.values()  # later they would be made of all rows
        lists: tuple[list[Any], ...] = (self.events, self.added, self.routes, *self._values.values())
        for parallel in lists:
            if parallel:
                del parallel[index]
        self._columns.clear()
        self._timestamp_runs = [replace(run, end=run.end - (run.end > index)) for run in self._timestamp_runs]
        return self.records.pop(index)

    def outgoing(self, topic: str, encode: Encode[E] | None) -> Outgoing:
        """Return the rows as they go on: the producer's timestamp, key and headers, the new value."""
        records, values = self.records, self.values(encode)
        columns = map(TIMESTAMP, records), map(KEY, records), values, self.headers()
        every = zip(*columns, strict=True)
        outgoing = compress(every, [topic in route for route in self.routes]) if self.routes else every
        return Outgoing(topic, outgoing, sum(map(len, values)))

    def oversized(self, encode: Encode[E] | None, max_bytes: int) -> int | None:
        """Return the first row whose record, with key and headers, makes more than `max_bytes`.

        The broker would refuse the whole checkpoint.
        """
        values, headers, keys = self.values(encode), self.headers(), list(map(KEY, self.records))
        if max(map(len, values), default=0) + _largest(keys, headers) + RECORD_BYTES <= max_bytes:
            return None
        # Stages, whose values these are, load no aiokafka.
        from dataflow.kafka.record_batches import largest_size

        sizes = map(largest_size, keys, values, headers)
        return next((index for index, size in enumerate(sizes) if size > max_bytes), None)

    def headers(self) -> list[Headers]:
        """Return the headers that go out: the producer's, and the header of the stage."""
        own, header = list(map(HEADERS, self.records)), self.header
        if header is None:
            return own
        alone = [header]  # most records have none of their own, and share this
        if not any(own):
            return [alone] * len(own)
        return [[*(h for h in few if h[0] != header[0]), header] if few else alone for few in own]

    def assign_event_times(self, stream_time_ms: int, ahead_ms: int) -> None:
        """Fill `times`, with `FUTURE` for those too far ahead of stream time and record, and `advances`.

        `stream_time_ms` is the stream time before this batch, 0 for none.
        """
        assert self._event_time is not None
        times = list(map(self._event_time.parse, self.column(self._event_time.column)))
        if times and min(times) < EARLIEST_MS:
            times = [time if time >= EARLIEST_MS else UNDATED for time in times]
        advances, begin = times, 0
        for run in self._timestamp_runs:
            stream_time_ms, at = max(stream_time_ms, run.time_ms), run.time_ms
            part = times[begin : run.end]
            if part and max(part) > at:
                # By the record, too: our clock may be days behind.
                latest = min(max(stream_time_ms, run.newest_ms) + ahead_ms, LATEST)
                times[begin : run.end] = part = [t if t <= latest else FUTURE for t in part]
                advances = times.copy() if advances is times else advances
                advances[begin : run.end] = [min(at, t) for t in part]
            begin = run.end
        self.times, self.advances = times, advances


def _largest(keys: Sequence[bytes | None], headers: Sequence[Headers]) -> int:
    """Return how large the largest key and the largest headers are together."""
    different = {id(few): few for few in filter(None, headers)}.values()
    return max(map(len, filter(None, keys)), default=0) + max(
        (sum(len(name) + len(value or b"") + 16 for name, value in few) for few in different), default=0
    )


def record_time(timestamp_ms: int, now_ms: int) -> int:
    """Return how late it was when a record was written: its timestamp, but no later than now.

    One before 1971 tells nothing, as -1, which stands for none: then it is now.
    """
    return min(timestamp_ms, now_ms) if timestamp_ms >= EARLIEST_MS else now_ms


def check_columns(subject: str, reads: Iterable[str], columns: Collection[str]) -> None:
    """Raise `Misconfigured` if one of these columns does not exist; the message says which there are."""
    for name in reads:
        if name not in columns:
            raise Misconfigured(
                f"{subject} reads the column {name!r}; expected one of {', '.join(sorted(columns)) or 'none'}"
            )
