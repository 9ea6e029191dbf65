"""Reading: the records of partitions, up to where they end now or as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from dataflow.kafka.fetch import drain
from dataflow.kafka.record import Record

RECORDS_AT_ONCE = 1_000
POLL_SECONDS = 0.1
STALLED_SECONDS = 1.0
TIMEOUT_SECONDS = 60.0


class ReadHeldUp(TimeoutError):
    """Partitions could not be read up to these offsets: nothing of them comes any more."""

    def __init__(self, message: str, ends: Mapping[TopicPartition, int]) -> None:
        super().__init__(message)
        self.ends = ends


OnStalled = Callable[[Collection[TopicPartition]], Awaitable[None]]


async def read_up_to(
    consumer: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    max_records: int = RECORDS_AT_ONCE,
    on_stalled: OnStalled | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> AsyncIterator[tuple[TopicPartition, Iterable[Record]]]:
    """Yield the records below these offsets, from the positions of the consumer on.

    `on_stalled` is told of partitions of which nothing comes for a second, once; then `ReadHeldUp` is raised
    after `timeout_seconds`.
    """
    moved_at, is_reported, lagging = monotonic(), False, list(ends)
    # The last record may be the broker's own, at the end of a transaction: only the position passes it.
    while lagging := [tp for tp in lagging if await consumer.position(tp) < ends[tp]]:
        fetched = await drain(consumer, lagging, max_records, POLL_SECONDS)
        for tp, new in fetched.items():
            for part in new.slices:
                is_below = new.end <= ends[tp]
                yield tp, part.records if is_below else [r for r in part.records if r.offset < ends[tp]]
        if fetched:
            moved_at = monotonic()
        elif monotonic() > moved_at + timeout_seconds:
            raise await _held_up(consumer, {tp: ends[tp] for tp in lagging}, timeout_seconds)
        elif on_stalled is not None and not is_reported and monotonic() > moved_at + STALLED_SECONDS:
            is_reported = True
            await on_stalled(lagging)
            moved_at = monotonic()  # what it has ended is given the whole time
        await asyncio.sleep(0)


async def _held_up(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], seconds: float
) -> ReadHeldUp:
    position = await consumer.position(tp := min(ends))
    return ReadHeldUp(
        f"no record of {tp.topic}/{tp.partition} has come for {seconds:g} s from offset {position} "
        f"on; expected those below {ends[tp]}. If a producer has left a transaction open there: "
        f"{to_end_transaction(tp, position)}",
        ends,
    )


def to_end_transaction(tp: TopicPartition, offset: int) -> str:
    """Return the command that ends a transaction whose first record is at this offset."""
    return (
        f"`kafka-transactions.sh abort --topic {tp.topic} --partition {tp.partition} --start-offset {offset}`"
    )


async def read_to_end(
    consumer: AIOKafkaConsumer, tps: Collection[TopicPartition]
) -> AsyncIterator[tuple[TopicPartition, Iterable[Record]]]:
    """Yield the records that are committed now, from the positions of the consumer on."""
    async for tp, records in read_up_to(consumer, await consumer.end_offsets(list(tps))):
        yield tp, records


async def read_last(
    consumer: AIOKafkaConsumer,
    tps: Collection[TopicPartition],
    count: int,
    max_records: int = RECORDS_AT_ONCE,
) -> AsyncIterator[tuple[TopicPartition, Iterable[Record]]]:
    """Assign partitions to the consumer; yield about their last `count` records, as many of each."""
    begins, ends = await consumer.beginning_offsets(list(tps)), await consumer.end_offsets(list(tps))
    share = -(-count // len(tps))
    consumer.assign(tps)
    for tp in tps:
        consumer.seek(tp, max(begins[tp], ends[tp] - share))
    async for tp, records in read_up_to(consumer, ends, max_records):
        yield tp, records


async def read_more(consumer: AIOKafkaConsumer, tp: TopicPartition, wait_seconds: float) -> list[Record]:
    """Return the next records; wait so long for one to come."""
    fetched = await drain(consumer, [tp], RECORDS_AT_ONCE, wait_seconds)
    return [record for new in fetched.values() for part in new.slices for record in part.records]
