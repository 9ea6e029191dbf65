"""Format of changelogs: what a partition writes says which it is, and is in that of its group."""

import pytest
from aiokafka.record.default_records import DefaultRecord
from msgspec import msgpack
from partition_bench import EVENT_TIME, TP, pass_on

from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.state import PARTITION_KEY, PartitionState
from dataflow.engine.tables import MINUTE, WindowedTable
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.kafka.record_batches import RecordBatches

PER_MINUTE = WindowedTable("per_kind", key="kind", windows=(MINUTE,), lateness_ms=0)


async def written(state: PartitionState, version: int, offset: int) -> dict[bytes, bytes | None]:
    """Return what a worker of a group with this format writes after one event more."""
    told = lambda: None, lambda _: None, StreamPauses(), lambda *_: None, Backlog(), BatchSizes(9)
    batches = RecordBatches(None, transactional=True)
    context = PartitionContext(
        EngineOptions(connection={}), batches, lambda _: 1, *told, changelog_format=version
    )
    partition = Partition(TP, offset, state, context)
    record = DefaultRecord(offset, 60_000, 0, None, b'{"kind": "a", "at": 60000}', [])
    batch = partition.deliver(EVENT_TIME, Fetched(offset, offset + 1, [RecordSlice([record], 60_000)], 9))
    assert batch is not None
    await pass_on(batch)
    return dict(partition.snapshot().changes)


@pytest.mark.parametrize("version", [1, 7])
async def test_a_partition_writes_the_format_of_its_group(version: int):
    """An earlier release refuses a number that it does not know, whatever else is in the record."""
    changes = await written(PartitionState.of([PER_MINUTE]), version, 0)
    assert msgpack.decode(changes[PARTITION_KEY] or b"")[3] == version
    assert msgpack.decode(changes[b"per_kind|event_time"] or b"")[0] == version


async def test_the_number_follows_the_group():
    """The last worker of the earlier release has left; one of it is back."""
    state = PartitionState.of([PER_MINUTE])
    for offset, version in enumerate((1, 7, 1)):
        changes = await written(state, version, offset)
        assert msgpack.decode(changes[PARTITION_KEY] or b"")[3] == version
        assert msgpack.decode(changes[b"per_kind|event_time"] or b"")[0] == version
