"""Gathering: joins fetched record batches of a partition to one batch for the sink."""

from asyncio import Event
from time import monotonic

from dataflow.kafka.fetch import drain
from dataflow.kafka.record import Record
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.contract import SinkBatch

IDLE_SECONDS = 0.2  # between two checks of `draining`


async def gather(
    consumer: Consumer, tp: TopicPartition, options: RunnerOptions, draining: Event
) -> SinkBatch | None:
    """Return the next batch once it is full or has waited long enough; None while draining.

    The batch has no records if the log holds nothing but markers of transactions.
    """
    records: list[Record] = []
    size, end, full_at = 0, -1, 0.0
    while not draining.is_set():
        wanted = options.batch_records - len(records)
        wait_seconds = full_at - monotonic() if records else IDLE_SECONDS
        if end >= 0 and (not records or wanted <= 0 or size >= options.batch_bytes or wait_seconds <= 0):
            return SinkBatch(tp, records, end)
        fetched = (await drain(consumer, [tp], wanted, wait_seconds)).get(tp)
        if fetched is None:
            continue
        if not records:
            full_at = monotonic() + options.linger_seconds
        new = [record for record_slice in fetched.slices for record in record_slice.records]
        records += new
        size += sum(len(record.value or b"") for record in new)
        end = fetched.end
    return None
