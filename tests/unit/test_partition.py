"""Partition: batches in order in, what the next checkpoint writes out."""

import asyncio

import pytest
from aiokafka.record.default_records import DefaultRecord
from partition_bench import (
    AT,
    EVENT_TIME,
    MARK,
    PER_KIND,
    Bench,
    enter_only,
    fail_in,
    good,
    of_size,
    pass_on,
    read_only,
    written,
)
from table_rows import rows_of

from dataflow.engine.batch import UnaccountedEvents
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.state import PartitionState
from dataflow.engine.tables import DAY, TablePartition, WindowedTable
from dataflow.errors import Misconfigured
from dataflow.kafka.fetch import Fetched, RecordSlice


async def test_a_finished_batch_moves_position_counts_outputs_and_balance_together():
    """Rule 1: they are committed together, so they must change together."""
    bench = Bench(5)
    await pass_on(bench.deliver(5, good(3)))
    assert (bench.partition.position, bench.counted) == (8, 3)
    assert bench.partition.state.event_counts == EventCounts(3, 3)
    assert bench.finished == [bench.partition]
    cut = bench.partition.snapshot()
    assert (cut.position, cut.records) == (8, 3)
    assert [(topic, number, len(values)) for topic, number, values in written(cut)] == [("output", 1, 3)]


async def test_an_unfinished_batch_is_in_no_checkpoint():
    """Rule 2: the committed offset is exactly the end of the finished prefix."""
    bench = Bench()
    batch = bench.deliver(0, good(3))
    async with batch:
        rows = batch.apply(MARK)
        batch.fold(PER_KIND, rows)
        batch.send("output", rows)
        assert (bench.partition.position, bench.counted) == (0, 0)
        assert written(bench.partition.snapshot()) == []
    assert bench.partition.position == 3


async def test_a_batch_cannot_be_entered_before_the_one_before_it_is_finished():
    """Rule 2: stock Faust commits past unfinished work (FAUST.md 0.6, issue 606)."""
    bench = Bench()
    _, second = bench.deliver(0, good(3)), bench.deliver(3, good(3))
    with pytest.raises(
        UnaccountedEvents, match=r"offsets 3 to 6> is entered; expected .*offsets 0 to 3> to be"
    ):
        await pass_on(second)
    assert bench.partition.position == 0
    assert len(bench.bugs) == 1


async def test_batches_are_finished_one_after_the_other():
    """The prefix grows batch by batch."""
    bench = Bench()
    first, second = bench.deliver(0, good(3)), bench.deliver(3, good(2))
    await pass_on(first)
    assert bench.partition.position == 3
    await pass_on(second)
    assert bench.partition.position == 5


@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_a_batch_of_a_partition_that_was_given_up_changes_nothing(ends: str):
    """Its tables may be kept for when the partition comes back: then the batch is read again."""
    bench = Bench()
    batch = bench.deliver(0, good(3))
    bench.partition.is_open = False
    async with batch:
        if ends == "well":
            batch.fold(PER_KIND, batch.apply(MARK))
    assert (bench.partition.position, bench.counted, bench.bugs) == (0, 0, [])
    assert bench.partition.state.event_counts == EventCounts()


async def test_an_error_leaves_the_batch_unfinished_and_is_told():
    """Stock Faust acknowledges the message that an agent could not do (FAUST.md 0.4)."""
    bench = Bench()
    with pytest.raises(ValueError, match="a bug"):
        await fail_in(bench.deliver(0, good(3)))
    assert (bench.partition.position, bench.counted) == (0, 0)
    assert [str(bug) for bug in bench.bugs] == ["a bug"]
    assert bench.finished == []


@pytest.mark.parametrize("does", ["nothing", "reads only"])
async def test_a_batch_whose_events_end_nowhere_is_refused(does: str):
    """Rule: sent, dropped, rejected or counted; else a line was forgotten in the agent."""
    bench = Bench()
    batch = bench.deliver(0, good(3))
    with pytest.raises(
        UnaccountedEvents, match=r"source/1 offsets 0 to 3> has .*expected its agent to read all"
    ):
        await (enter_only(batch) if does == "nothing" else read_only(batch))
    assert bench.partition.position == 0
    assert len(bench.bugs) == 1


async def test_an_empty_batch_needs_nothing_done():
    """There is nothing that could be forgotten."""
    bench = Bench()
    records: list[bytes] = []
    fetched = Fetched(0, 4, [RecordSlice(records, AT)], 100)
    batch = bench.partition.deliver(EVENT_TIME, fetched)
    assert batch is not None
    await pass_on(batch)
    assert bench.partition.position == 4


async def test_control_records_move_the_position_without_an_agent():
    """A transaction's marker is no event, but the offset behind it counts."""
    bench = Bench()
    assert bench.partition.deliver(EVENT_TIME, Fetched(0, 2, [], 90)) is None
    assert bench.partition.position == 2
    cut = bench.partition.snapshot()
    bench.partition.on_committed(cut)
    assert bench.partition.in_flight_bytes == 0


async def test_control_records_behind_an_unfinished_batch_wait_for_it():
    """Else their offset would commit the batch before them."""
    bench = Bench()
    batch = bench.deliver(0, good(3))
    bench.partition.deliver(EVENT_TIME, Fetched(3, 5, [], 90))
    assert bench.partition.position == 0
    await pass_on(batch)
    assert bench.partition.position == 5


async def test_rows_without_a_column_of_the_table_are_refused():
    """A stage that is not the one of the declaration: the table would count something else."""
    bench = Bench()
    batch = bench.deliver(0, good(1))
    with pytest.raises(
        Misconfigured, match="table other reads the column 'colour'; expected one of at, kind"
    ):
        async with batch:
            batch.fold(WindowedTable("other", key="colour"), batch.apply(MARK))
    assert len(bench.bugs) == 1


async def test_a_checkpoint_takes_what_is_finished_and_begins_anew():
    """What is finished while it is written belongs to the next one."""
    bench = Bench()
    await pass_on(bench.deliver(0, good(2)))
    first = bench.partition.snapshot()
    await pass_on(bench.deliver(2, good(3)))
    second = bench.partition.snapshot()
    assert (first.position, first.records, second.position, second.records) == (2, 2, 5, 3)
    assert [len(values) for cut in (first, second) for *_, values in written(cut)] == [2, 3]


async def test_memory_in_flight_is_let_go_by_the_commit_and_not_before():
    """What is finished still lies in output buffers."""
    bench = Bench()
    await pass_on(bench.deliver(0, good(2)))
    assert bench.partition.in_flight_bytes >= 200
    cut = bench.partition.snapshot()
    assert bench.partition.in_flight_bytes >= 200
    bench.partition.on_committed(cut)
    assert bench.partition.in_flight_bytes == 0
    assert bench.partition.is_clean


async def test_what_is_committed_is_as_old_as_the_snapshot_that_had_it():
    """Freshness counts from what readers see, not from what is finished beside it."""
    bench = Bench()
    await pass_on(bench.deliver(0, good(2)))
    first = bench.partition.snapshot()
    assert (first.record_ms, bench.partition.committed_record_ms) == (bench.partition.last_record_ms, 0)
    bench.partition.on_committed(first)
    assert bench.partition.committed_record_ms == bench.partition.last_record_ms > 0
    idle = bench.partition.snapshot()
    bench.partition.on_committed(idle)
    assert bench.partition.committed_record_ms == bench.partition.last_record_ms


async def test_outputs_larger_than_what_came_in_count_with_their_own_size():
    """A batch of 20 KB may have unpacked to 200 MB."""
    bench = Bench()
    fetched = Fetched(0, 1, [RecordSlice([DefaultRecord(0, AT, 0, b"k", of_size(50_000), [])], AT)], 100)
    batch = bench.partition.deliver(EVENT_TIME, fetched)
    assert batch is not None
    await pass_on(batch)
    assert bench.partition.in_flight_bytes > 50_000


async def test_the_numbers_of_a_partition_come_back_from_the_changelog():
    """Position, clock and balance are in the transaction of the offsets."""
    bench = Bench()
    await pass_on(bench.deliver(0, [*good(2), b"x"]))
    entries = dict(bench.partition.snapshot().changes)
    state = PartitionState.of([PER_KIND])
    state.load(entries.items())
    assert (state.position, state.stream_time_ms) == (3, AT)
    assert state.event_counts == bench.partition.state.event_counts


async def test_a_shutdown_in_the_middle_is_no_bug():
    """The batch is simply not finished."""
    bench = Bench()
    batch = bench.deliver(0, good(1))
    with pytest.raises(asyncio.CancelledError):
        async with batch:
            raise asyncio.CancelledError
    assert bench.partition.position == 0
    assert [type(bug) for bug in bench.bugs] == [asyncio.CancelledError]  # the engine tells which it is


async def test_tiny_batches_are_not_handed_out_without_end():
    """Each costs kilobytes beside its bytes, and Faust's queue blocks all agents when it is full."""
    bench = Bench()
    handed_out = 0
    while bench.partition.can_accept:
        bench.deliver(handed_out, good(1))
        handed_out += 1
    assert handed_out < 100


async def test_the_backlog_is_what_is_unfinished_and_what_is_unwritten():
    """The pace of checkpoints is decided by it, for all partitions at once."""
    bench = Bench()
    backlog = bench.partition.context.backlog
    first, second = bench.deliver(0, good(3)), bench.deliver(3, good(2))
    assert (backlog.batches, backlog.records) == (2, 0)
    await pass_on(first)
    assert (backlog.batches, backlog.records) == (1, 3)
    assert backlog.size == bench.partition.finished_bytes > 0
    bench.partition.snapshot()
    assert (backlog.batches, backlog.records, backlog.size) == (1, 0, 0)
    await pass_on(second)
    assert (backlog.batches, backlog.records) == (0, 2)


async def test_what_a_paused_stream_lets_go_is_no_backlog():
    """Else every checkpoint would wait for batches that nobody works on."""
    bench = Bench(dead_letter_max_consecutive=1)
    batch, _ = bench.deliver(0, [b"no JSON"] * 3), bench.deliver(3, good(3))
    await pass_on(batch)
    assert bench.partition.pause is not None
    assert bench.partition.context.backlog.batches == 0


@pytest.mark.parametrize("what", ["go on", "count anew", "revoke"])
def test_upkeep_ends_where_a_table_is_counted_anew_or_the_partition_goes(what):
    """Both tables have chunks of the same names in one store: the old one must write none over the new."""
    partition = Bench(tables=(PER_KIND,)).partition
    days = [rows_of([(day * DAY.size_ms, "a")], "kind") for day in range(2)]
    counted = partition.state.table_partitions["per_kind"]
    for rows in days:
        counted.fold(rows)
        counted.snapshot(is_upkept=True)
    steps = partition.upkeep()
    next(steps)
    if what == "count anew":
        partition.state.table_partitions["per_kind"] = TablePartition(PER_KIND)
    if what == "revoke":
        partition.is_open = False
    list(steps)
    assert bool(counted.levels.store_of(DAY).get(0).sealed.count) == (what == "go on")
