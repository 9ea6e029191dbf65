"""The watermark never passes the wall clock: no event shuts windows before their time."""

import pytest
from aiokafka.record.default_records import DefaultRecord
from partition_bench import AT, EVENT_TIME, TP, pass_on
from table_parts import part_of

from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.state import CLOCK_SKEW_MS, PartitionState
from dataflow.engine.tables import ALL, MINUTE, WindowedTable
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.kafka.record_batches import RecordBatches

HOUR_MS = 3_600_000
NONE = -1
IN_2099 = 4_070_908_800_000
PER_MINUTE = WindowedTable("per_kind", key="kind", windows=(MINUTE,), lateness_ms=0)


def a_partition(state: PartitionState) -> Partition:
    """Return a partition of a worker whose clock stands at `AT`."""
    batches = RecordBatches(None, transactional=True)
    options = EngineOptions(connection={})
    told = lambda: None, lambda _: None, StreamPauses(), lambda *_: None, Backlog(), BatchSizes(9)
    context = PartitionContext(options, batches, lambda _: 1, *told, now_ms=lambda: AT)
    return Partition(TP, 0, state, context)


async def read(partition: Partition, *events: tuple[int, int]) -> None:
    """Hand out events, each a batch: event time and record timestamp."""
    for event_ms, record_ms in events:
        first = partition.delivered
        record = DefaultRecord(first, record_ms, 0, None, b'{"kind": "a", "at": %d}' % event_ms, [])
        batch = partition.deliver(
            EVENT_TIME, Fetched(first, first + 1, [RecordSlice([record], record_ms)], 9)
        )
        assert batch is not None
        await pass_on(batch)


@pytest.mark.parametrize(
    ("event_ms", "record_ms"),
    [
        (AT + HOUR_MS, AT),
        (AT + 23 * HOUR_MS, AT),
        (AT, IN_2099),
        (AT + HOUR_MS, IN_2099),
        (AT + 23 * HOUR_MS, NONE),
        (AT - HOUR_MS, IN_2099),
    ],
)
@pytest.mark.parametrize("usual", [AT - 1, NONE])
async def test_one_event_that_is_ahead_makes_no_other_late(event_ms: int, record_ms: int, usual: int):
    """200 of 200 and 400 of 400 events behind it were late, over restarts, too."""
    state = PartitionState.of([PER_MINUTE])
    partition = a_partition(state)
    await read(partition, (event_ms, record_ms), *[(AT - 1 - n, usual) for n in range(20)])
    answer = part_of(state.table_partitions["per_kind"], MINUTE)
    assert (answer.marks.late, answer.marks.future, answer.marks.watermark) == (
        0,
        0,
        max(min(event_ms, AT), AT - 1),
    )
    assert (event_ms - event_ms % 60_000) in {start for start, _, _ in answer.entries}
    assert sum(packed[1] for _, _, packed in answer.entries) == 21


@pytest.mark.parametrize("record_ms", [AT, NONE])
async def test_an_event_days_ahead_counts_in_all_time_only(record_ms: int):
    """Windows of 2099 would be kept until then."""
    state = PartitionState.of([PER_MINUTE])
    await read(a_partition(state), (IN_2099, record_ms), (AT, AT))
    answer = part_of(state.table_partitions["per_kind"], MINUTE)
    assert (answer.marks.future, answer.marks.late, len(answer.entries)) == (1, 0, 1)
    assert [packed[1] for _, _, packed in part_of(state.table_partitions["per_kind"], ALL).entries] == [2]


async def test_an_event_of_2099_in_a_record_of_2099_counts_in_its_own_window():
    """Nothing contradicts it but the clock, which may be wrong; and it closes no other."""
    state = PartitionState.of([PER_MINUTE])
    await read(a_partition(state), (IN_2099, IN_2099), (AT, AT), (IN_2099, AT))
    answer = part_of(state.table_partitions["per_kind"], MINUTE)
    assert (answer.marks.future, answer.marks.late, answer.marks.watermark) == (1, 0, AT)
    assert {start for start, _, _ in answer.entries} == {AT - AT % 60_000, IN_2099}


async def test_a_state_that_was_poisoned_goes_on_from_now():
    """Releases that believed such timestamps have left it in changelogs."""
    state = PartitionState.of([PER_MINUTE])
    state.stream_time_ms = IN_2099
    state.table_partitions["per_kind"].event_time.newest = IN_2099
    assert state.rewind(AT) == IN_2099 - AT
    assert state.rewind(AT) == 0
    await read(a_partition(state), *[(AT + n, AT) for n in range(20)])
    answer = part_of(state.table_partitions["per_kind"], MINUTE)
    assert (answer.marks.late, state.stream_time_ms) == (0, AT)


def test_clocks_of_workers_that_are_a_little_apart_are_no_poison():
    """Each takeover would warn, and take the watermark back."""
    state = PartitionState.of([PER_MINUTE])
    state.stream_time_ms = AT + CLOCK_SKEW_MS
    assert state.rewind(AT) == 0
    assert state.stream_time_ms == AT + CLOCK_SKEW_MS
