"""Records as sinks get them: values in; Kafka records, and batches of them, out."""

from collections.abc import Iterable, Iterator, Sequence

import orjson
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition

from dataflow.sinks.contract import SinkBatch


def a_record(offset: int, value: bytes | None, timestamp: int = 1_790_000_000_000) -> DefaultRecord:
    """Return a record; the timestamp in ms since 1970 UTC, 2026-09-21T14:13:20Z if none is given."""
    return DefaultRecord(offset, timestamp, 0, None, value, [])


def a_view(number: int, event_timestamp: str = "2026-09-21 14:00:00.000000", **fields: object) -> bytes:
    """Return a page view whose id tells where it came from."""
    return orjson.dumps({"event_id": str(number), "event_timestamp": event_timestamp, **fields})


def batches(
    tp: TopicPartition, records: Sequence[DefaultRecord], most: int, start: int = 0
) -> Iterator[SinkBatch]:
    """Yield the records from an offset on, so many at once."""
    waiting = [record for record in records if record.offset >= start]
    for begin in range(0, len(waiting), most):
        part = waiting[begin : begin + most]
        yield SinkBatch(tp, part, part[-1].offset + 1)


def views(numbers: Iterable[int]) -> list[DefaultRecord]:
    """Return page views, one a second, each at the offset of its number."""
    return [
        a_record(
            number,
            a_view(number, f"2026-09-21 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"),
        )
        for number in numbers
    ]
