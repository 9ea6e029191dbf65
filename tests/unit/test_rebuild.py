"""Rebuild: what a partition does while a table of it is suspended, and when it takes a new one over."""

from aiokafka.record.default_records import DefaultRecord
from partition_bench import AT, PER_KIND, Bench, good, pass_on, written
from table_parts import part_of

from dataflow.engine.pauses import PauseCause
from dataflow.engine.rebuild import Recount, _below
from dataflow.engine.state import PARTITION_KEY, PartitionState, Suspension
from dataflow.engine.tables import ALL
from dataflow.kafka.fetch import Fetched, RecordSlice

ANEW = Suspension("is being rebuilt", is_rebuilding=True)


def restored(bench: Bench) -> PartitionState:
    """Write a checkpoint; return what would be restored from it."""
    state = PartitionState.of([PER_KIND])
    state.load(bench.partition.snapshot().changes)
    state.check_loaded("changelog", 0, AT)
    return state


async def test_a_suspended_table_counts_nothing_and_the_stream_goes_on():
    """Outputs, position and event counts are as ever; the suspension is kept with them."""
    bench = Bench()
    bench.partition.suspend("per_kind", ANEW)
    await pass_on(bench.deliver(0, good(3)))
    cut = bench.partition.snapshot()
    assert (cut.position, [len(values) for *_, values in written(cut)]) == (3, [3])
    assert [key for key, _ in cut.changes] == [PARTITION_KEY]
    assert bench.partition.state.event_counts.received == 3
    bench.partition.suspend("per_kind", ANEW)
    assert restored(bench).suspended == {"per_kind": ANEW}


async def test_a_suspension_is_written_though_no_event_comes():
    """A worker that is killed has begun it; the next one goes on with it."""
    bench = Bench()
    assert not bench.partition.must_write
    bench.partition.suspend("per_kind", ANEW)
    assert bench.partition.must_write
    assert not bench.partition.is_clean
    bench.partition.snapshot()
    assert bench.partition.is_clean


def test_a_stream_that_pauses_writes_nothing():
    """Of a topic that was made anew nothing may be noted before somebody has said so."""
    bench = Bench()
    assert bench.partition.can_write
    bench.partition.context.pauses.begin("source", PauseCause.TOPIC_MADE_ANEW, "anew", "a command")
    assert not bench.partition.can_write


async def test_a_table_that_was_counted_anew_replaces_all_that_the_changelog_had():
    """Old keys are deleted in the transaction that writes the new ones."""
    bench = Bench()
    await pass_on(bench.deliver(0, good(3)))
    before = bench.partition.snapshot().changes
    bench.partition.suspend("per_kind", ANEW)
    recount = Recount.of(bench.partition, PER_KIND, 0)
    records = [DefaultRecord(n, AT, 0, b"k", value, []) for n, value in enumerate(good(3))]
    batch = recount.deliver(bench.event_time, Fetched(0, 3, [RecordSlice(records, AT)], 9))
    assert batch is not None
    await pass_on(batch)
    assert recount.position == bench.partition.position == 3
    changes = dict.fromkeys(key for key, _ in before if key != PARTITION_KEY) | dict(
        recount.counted.snapshot()
    )
    bench.partition.adopt(recount.counted, list(changes.items()))
    await pass_on(bench.deliver(3, good(2)))
    assert bench.counted == 5
    state = PartitionState.of([PER_KIND])
    state.load([*before, *bench.partition.snapshot().changes])
    state.check_loaded("changelog", 0, AT)
    assert state.suspended == {}
    assert sum(packed[1] for _, _, packed in part_of(state.table_partition("per_kind"), ALL).entries) == 5


async def test_what_is_recounted_goes_nowhere():
    """Its outputs and dead letters are in their topics already."""
    bench = Bench()
    recount = Recount.of(bench.partition, PER_KIND, 0)
    records = [DefaultRecord(n, AT, 0, b"k", value, []) for n, value in enumerate([*good(2), b"no JSON"])]
    batch = recount.deliver(bench.event_time, Fetched(0, 3, [RecordSlice(records, AT)], 9))
    assert batch is not None
    await pass_on(batch)
    assert written(recount.snapshot()) == []
    assert bench.partition.state.event_counts.received == 0
    assert bench.finished == []


def test_a_fetch_is_cut_where_the_partition_stands():
    """What lies behind, the partition itself will count."""
    records = [DefaultRecord(n, AT, 0, b"k", b"{}", []) for n in range(5, 9)]
    cut = _below(7, Fetched(5, 9, [RecordSlice(records, AT)], 9))
    assert (cut.first, cut.end, [record.offset for record in cut.slices[0].records]) == (5, 7, [5, 6])
