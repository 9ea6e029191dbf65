"""How little one Python process can do with it: aiokafka and record batches, by hand, for this job alone.

Whole record batches are iterated raw, only the fields that are needed are decoded, the new one is
spliced into the bytes and appended to record batches for the same partition. Once a second the
changed counts go to a changelog, then the offsets are committed; no code reads the changelog back.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from bookings import category_of

OUTPUT, COMMIT_SECONDS = os.environ["OUTPUT"], 1.0
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, KEPT_BYTES = -1, -3, 64 << 20
Counts = dict[tuple[int, str], Counter[str]]  # partition and category: count by the hour as text


class WholeBatches(fetcher.PartitionRecords):
    """Yields record batches where aiokafka makes an object of every record."""

    def _unpack_records(self) -> Iterator[tuple[DefaultRecordBatch, int]]:
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise fetcher.Errors.CorruptRecordException(f"wrong checksum in {self._tp}")
            first, self.next_fetch_offset = self.next_fetch_offset, batch.next_offset
            if not batch.is_control_batch:
                yield batch, first


class Booking(msgspec.Struct, gc=False):
    """What of a booking is read."""

    srch_ci: str | None
    srch_co: str | None
    date_time: str


class Tails(dict[tuple[str | None, str | None], tuple[bytes, str]]):
    """By the two dates what takes the place of the closing brace, and the category."""

    def __missing__(self, dates: tuple[str | None, str | None]) -> tuple[bytes, str]:
        category = category_of(*dates)
        self[dates] = f', "stay_category": "{category}"}}'.encode(), category
        return self[dates]


tails, decode = Tails(), msgspec.json.Decoder(Booking).decode


def rewrite(
    batch: DefaultRecordBatch, first: int, producer: AIOKafkaProducer
) -> tuple[list[BatchBuilder], dict[str, list[str]]]:
    """Return the record batches to send, and the hours that were seen of each category."""
    hours: defaultdict[str, list[str]] = defaultdict(list)
    made, n, now = [], 0, int(time.time() * 1000)
    out = producer.create_batch()
    append = out._builder.append
    for record in batch:
        if record.offset < first:
            continue  # the fetch began inside of the batch
        raw = record.value
        booking = decode(raw)
        tail, category = tails[booking.srch_ci, booking.srch_co]
        hours[category].append(booking.date_time[:13])
        if append(n, now, None, raw[:-1] + tail, []) is None:
            out._relative_offset = n
            made.append(out)
            out, n = producer.create_batch(), 0
            append = out._builder.append
            append(0, now, None, raw[:-1] + tail, [])
        n += 1
    out._relative_offset = n
    return [*made, out], hours


async def send_counts(producer: AIOKafkaProducer, fresh: Counts, totals: Counts) -> list[Awaitable[object]]:
    """Send one changelog record per count that has changed."""
    waits, now = [], int(time.time() * 1000)
    for (partition, category), changed in fresh.items():
        total = totals.setdefault((partition, category), Counter())
        total.update(changed)
        batch, n = producer.create_batch(), 0
        for hour in changed:
            batch._builder.append(n, now, f"{category}|{hour}".encode(), b"%d" % total[hour], [])
            n += 1
        batch._relative_offset = n
        waits.append(await producer.send_batch(batch, f"{OUTPUT}-changelog", partition=partition))
    fresh.clear()
    return waits


async def run(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, stop: asyncio.Event) -> Counts:
    """Work until told to stop, and return the counts."""
    fresh: Counts = {}
    totals: Counts = {}
    waits: list[Awaitable[object]] = []
    committed = time.monotonic()
    while True:
        ending = stop.is_set()
        for tp, batches in (await consumer.getmany(timeout_ms=200)).items():
            for batch, first in batches:
                made, hours = rewrite(batch, first, producer)
                for category, seen in hours.items():
                    fresh.setdefault((tp.partition, category), Counter()).update(seen)
                waits += [await producer.send_batch(out, OUTPUT, partition=tp.partition) for out in made]
        if waits and (ending or time.monotonic() - committed > COMMIT_SECONDS):
            await asyncio.gather(*waits, *await send_counts(producer, fresh, totals))
            await consumer.commit()
            committed, waits = time.monotonic(), []
        if ending:
            return totals


async def main() -> None:
    """Run until SIGTERM, then write the counts."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    fetcher.PartitionRecords = WholeBatches
    consumer = AIOKafkaConsumer(
        os.environ["SOURCE"], bootstrap_servers=os.environ["BROKER"], group_id=os.environ["GROUP"],
        auto_offset_reset="earliest", enable_auto_commit=False,
        max_partition_fetch_bytes=2 << 20, fetch_max_bytes=16 << 20,
    )  # fmt: skip
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["BROKER"], acks="all", linger_ms=0, max_batch_size=900_000
    )
    async with producer, consumer:
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)
        totals = await run(consumer, producer, stop)
    write_counts(totals)


def write_counts(totals: Counts) -> None:
    """Write the counts of all partitions to a file for the check."""
    cells: Counter[str] = Counter()
    for (_, category), counts in totals.items():
        for hour, count in counts.items():
            start = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)
            cells[f"{category}|{int(start.timestamp())}"] += count
    Path(os.environ["COUNTS"]).write_text(json.dumps(cells))


libc = ctypes.CDLL(None)
if hasattr(libc, "mallopt"):  # keep freed buffers: no page faults for each fetch
    libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
uvloop.run(main())
