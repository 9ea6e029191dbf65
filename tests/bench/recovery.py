"""Recovery: a changelog of many cells made by the table code; how fast a worker has them back, as JSON."""

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from math import inf

import orjson
from aiokafka.structs import TopicPartition
from cluster import COMPACTED, PARTITIONS, Cluster

from dataflow.engine.restore import restore
from dataflow.engine.tables import HOUR, Distinct, TablePartition, WindowedTable
from dataflow.kafka.connection import connection
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record_batches import RecordBatches

HOUR_MS, FIRST_MS, KEYS, AT_ONCE = HOUR.size_ms, 1_420_070_400_000, 500, 50_000
TABLE = WindowedTable(
    "visits_per_page", key="page", windows=(HOUR,), all_time=False, visitors=Distinct("visitor")
)


class Visits:
    """Rows for one cell each: another page every row, another hour every `KEYS` rows."""

    def __init__(self, first: int, count: int) -> None:
        numbers = range(first, first + count)
        self.times = [FIRST_MS + number // KEYS * HOUR_MS for number in numbers]
        self._columns: dict[str, Sequence[object]] = {
            "page": [f"/titles/{number % KEYS}" for number in numbers],
            "visitor": [number * 7_919 for number in numbers],
        }

    @property
    def advances(self) -> list[int]:
        """Every row moves event time to its own."""
        return self.times

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row."""
        return self._columns[name]

    def __len__(self) -> int:
        return len(self.times)


async def write_changelog(address: str, topic: str, entries: int) -> None:
    """Fold rows into a table and write its cuts, each as one transaction, as a checkpoint does."""
    producer = TransactionalProducer(connection([address]), topic, "zstd")
    record_batches = RecordBatches("zstd", transactional=True)
    table_partitions = [TablePartition(TABLE) for _ in range(PARTITIONS)]
    async with producer:
        for first in range(0, entries // PARTITIONS, AT_ONCE):
            await producer.begin_transaction()
            waits = []
            for number, table_partition in enumerate(table_partitions):
                table_partition.fold(Visits(first, min(AT_ONCE, entries // PARTITIONS - first)))
                now = int(time.time() * 1000)
                packed = record_batches.pack(
                    (now, key, value, []) for key, value in table_partition.snapshot()
                )
                waits += [await producer.send_batch(batch, topic, partition=number) for batch in packed]
            await asyncio.gather(*waits)
            await producer.commit_transaction()


async def read_changelog(address: str, topic: str) -> dict[str, float]:
    """Recover the table as a worker that has taken four partitions over, and count its cells."""
    partitions = [TopicPartition("visits", number) for number in range(PARTITIONS)]
    cpu, began = time.process_time(), time.monotonic()
    logs, broker = {"visits": topic}, connection([address])
    states, _ = await restore(partitions, logs, lambda _: [TABLE], broker, _refuse)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    stores = [state.table_partitions[TABLE.name].levels.store_of(HOUR) for state in states.values()]
    cells = sum(len(window) for store in stores for window in store.between(0, inf))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"entries": cells, "seconds": seconds, "cpu_seconds": cpu, "peak_kib": peak}


async def _refuse(held_up: object) -> None:
    raise AssertionError(f"transactions of {held_up} are open; expected none")


async def main(step: str, address: str, topic: str, entries: int) -> None:
    """Do one step; each is a process of its own, so that reading begins with nothing in memory."""
    if step == "write":
        Cluster(address).make_topics([topic], {**COMPACTED, "max.message.bytes": str(8 << 20)})
        await write_changelog(address, topic, entries)
    else:
        sys.stdout.buffer.write(orjson.dumps(await read_changelog(address, topic)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
