"""A partition under test, without a broker: it delivers batches, and shows what is counted and written."""

import inspect
from collections.abc import AsyncIterator, Sequence
from typing import Any

import faust
from aiokafka.record.default_records import DefaultRecord
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from faust.types import AgentT
from table_parts import merge_entries, part_of

from dataflow.engine.batch import Batch
from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition, Snapshot
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.splice import Added
from dataflow.engine.state import PartitionState
from dataflow.engine.tables import ALL, DAY, WindowedTable
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.kafka.record_batches import RecordBatches

TP = TopicPartition("source", 1)
AT = 1_700_000_000_000
MOST = 1_048_588
PER_KIND = WindowedTable("per_kind", key="kind", windows=(DAY,))
EVENT_TIME = EventTime("at", int)


class Event(faust.Record, include_metadata=False):
    """What the source holds."""

    kind: str
    at: int


MARK = EnrichStage("mark", compile_decoder(Event, ["kind", "at"], ["mark"]), lambda _: Added(mark=1))


class Bench:
    """A partition, and what it tells its worker."""

    def __init__(
        self,
        position: int = 0,
        *,
        tp: TopicPartition = TP,
        tables: Sequence[WindowedTable] = (PER_KIND,),
        event_time: EventTime | None = EVENT_TIME,
        **options: Any,
    ) -> None:
        self.event_time = event_time
        self.finished: list[Partition] = []
        self.bugs: list[BaseException] = []
        self.pauses = StreamPauses()
        self.outputs: list[tuple[str, ...]] = []
        context = PartitionContext(
            EngineOptions(connection={}, **options),
            RecordBatches(None, transactional=True),
            lambda topic: 2,
            lambda: self.finished.append(self.partition),
            self.bugs.append,
            self.pauses,
            lambda *output: self.outputs.append(output),
            Backlog(),
            BatchSizes(2_000),
        )
        state = PartitionState.of(tables)
        self.partition = Partition(tp, position, state, context)

    def deliver(self, first: int, values: Sequence[bytes | None], end: int | None = None) -> Batch:
        """Hand out records from this offset on."""
        records = [DefaultRecord(first + n, AT, 0, b"k", value, []) for n, value in enumerate(values)]
        slices = [RecordSlice(records, AT)] if values else []
        fetched = Fetched(first, first + len(values) if end is None else end, slices, 100 * len(values))
        batch = self.partition.deliver(self.event_time, fetched)
        assert batch is not None
        return batch

    @property
    def counted(self) -> int:
        """Return how many rows the table has."""
        answer = part_of(self.partition.state.table_partitions["per_kind"], ALL)
        return sum(packed[1] for _, _, packed in answer.entries)

    def counts(self, table: WindowedTable) -> dict[str, int]:
        """Return how many rows of all time each key has."""
        part = part_of(self.partition.state.table_partitions[table.name], ALL)
        windows = merge_entries(table, ALL, [part])
        return {entry["key"]: entry["count"] for window in windows for entry in window["entries"]}


async def work_on(agent: AgentT[Any], *batches: Batch) -> None:
    """Have an agent work on these batches, and on no more."""

    async def stream() -> AsyncIterator[Batch]:
        for batch in batches:
            yield batch

    await inspect.unwrap(agent.fun)(stream())  # as declared: the app's own wrapper takes the end for a bug


def good(count: int) -> list[bytes]:
    """Return events that can be used."""
    return [b'{"kind": "a", "at": %d}' % AT] * count


async def pass_on(batch: Batch) -> None:
    """Do with a batch what an agent does."""
    async with batch:
        rows = batch.apply(MARK)
        batch.fold(PER_KIND, rows)
        batch.send("output", rows)


async def fail_in(batch: Batch) -> None:
    """Do all of it, and then fail."""
    async with batch:
        rows = batch.apply(MARK)
        batch.fold(PER_KIND, rows)
        batch.send("output", rows)
        raise ValueError("a bug")


async def enter_only(batch: Batch) -> None:
    """Forget what the batch is for."""
    async with batch:
        pass


async def read_only(batch: Batch) -> None:
    """Forget to send and to count."""
    async with batch:
        batch.apply(MARK)


def written(snapshot: Snapshot) -> list[tuple[str, int, list[bytes]]]:
    """Return topic, partition and values of the outputs."""
    return [
        (topic, number, [r.value for r in MemoryRecords(bytes(builder._build())).next_batch()])
        for topic, number, builder in snapshot.outputs
    ]


def of_size(size: int) -> bytes:
    """Return an event of so many bytes."""
    event = b'{"kind": "", "at": %d}' % AT
    return event.replace(b'""', b'"%s"' % (b"x" * (size - len(event))))
