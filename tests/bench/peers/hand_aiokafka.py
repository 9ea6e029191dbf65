"""What an engineer writes by hand with aiokafka and orjson: bookings in, enriched bookings out.

At least once: once a second it waits for what it has sent, then commits. In A2 the counts are a plain
dict; with each commit one record per changed count goes to a changelog topic, and no code reads it back.
"""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from stays import category_of, hour_of

OUTPUT, COMMIT_SECONDS = os.environ["OUTPUT"], 1.0
IS_COUNTED = os.environ["JOB"] == "A2"

counts: Counter[tuple[int, str, int]] = Counter()  # partition, category, start of the hour
changed: set[tuple[int, str, int]] = set()


def enriched(record: ConsumerRecord) -> bytes:
    """Return the booking with its stay category; in A2, count it."""
    booking = orjson.loads(record.value)
    category = booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    if IS_COUNTED:
        cell = record.partition, category, hour_of(booking["date_time"])
        counts[cell] += 1
        changed.add(cell)
    return orjson.dumps(booking)


async def commit(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, sent: list) -> None:
    """Write the changed counts, wait for all that was sent, and commit."""
    for cell in changed:
        partition, category, hour = cell
        key = f"{category}|{hour}".encode()
        sent.append(await producer.send(f"{OUTPUT}-changelog", b"%d" % counts[cell], key, partition))
    changed.clear()
    await asyncio.gather(*sent)
    await consumer.commit()
    sent.clear()


def write_counts() -> None:
    """Write what was counted to a file, for the check."""
    totals: Counter[str] = Counter()
    for (_, category, hour), count in counts.items():
        totals[f"{category}|{hour}"] += count
    Path(os.environ["COUNTS"]).write_text(json.dumps(totals))


async def main() -> None:
    """Run until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    consumer = AIOKafkaConsumer(
        os.environ["SOURCE"], bootstrap_servers=os.environ["BROKER"], group_id=os.environ["GROUP"],
        auto_offset_reset="earliest", enable_auto_commit=False,
    )  # fmt: skip
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["BROKER"], linger_ms=20, max_batch_size=262_144, acks="all"
    )
    async with producer, consumer:
        committed, sent = time.monotonic(), []
        while not stopping.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=5_000)
            for records in batches.values():
                sent += [await producer.send(OUTPUT, enriched(record), record.key) for record in records]
            if sent and time.monotonic() - committed > COMMIT_SECONDS:
                await commit(consumer, producer, sent)
                committed = time.monotonic()
        if sent:
            await commit(consumer, producer, sent)
        write_counts()  # as long as the signal is handled


asyncio.run(main())
