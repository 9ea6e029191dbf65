"""The timer of checkpoints: batches finished in; when one begins out."""

import asyncio
from collections.abc import Awaitable
from time import monotonic

from partition_bench import Bench, good, pass_on

from dataflow.engine.assignment import Assignment
from dataflow.engine.checkpoint_timer import POLL_SECONDS, CheckpointTimer
from dataflow.engine.options import EngineOptions

INTERVAL = 30.0


class TimedBench(Bench):
    """A partition that an assignment owns, whose timer is told of its batches."""

    def __init__(self, seconds: float = INTERVAL) -> None:
        super().__init__()
        self.assignment = Assignment(EngineOptions(connection={}, checkpoint_records=100))
        partition = self.partition
        self.assignment.begin({partition.tp: (partition.position, partition.state)}, partition.context)
        self.partition = self.assignment.partitions[partition.tp]
        self.timer = CheckpointTimer(self.assignment, seconds)

    async def finish(self, first: int, records: int) -> None:
        """Hand out a batch and finish it."""
        await pass_on(self.deliver(first, good(records)))
        self.timer.on_finished()

    def just_written(self) -> None:
        """Note a checkpoint, after which the next one has to wait."""
        self.timer.pace.written(monotonic(), monotonic(), 1)


async def comes_within(seconds: float, waited: Awaitable[None]) -> bool:
    """Tell whether the wait is over in that time."""
    try:
        await asyncio.wait_for(waited, seconds)
    except TimeoutError:
        return False
    return True


async def test_the_first_finished_batch_is_written_at_once():
    """Nothing else is going to come: there is nothing to wait for."""
    bench = TimedBench()
    await bench.finish(0, 3)
    assert await comes_within(0.5, bench.timer.wait())


async def test_nothing_is_written_while_nothing_is_finished():
    """An idle worker writes no transactions."""
    assert not await comes_within(2 * POLL_SECONDS, TimedBench().timer.wait())


async def test_it_waits_for_what_is_still_unfinished():
    """Of the partitions of one fetch none should wait for the checkpoint after next."""
    bench = TimedBench()
    unfinished = bench.deliver(3, good(3))
    bench.timer._finished.set()  # as another partition does
    waiting = asyncio.create_task(bench.timer.wait())
    assert not await comes_within(0.2, asyncio.shield(waiting))
    await pass_on(unfinished)
    bench.timer.on_finished()
    assert await comes_within(0.5, waiting)


async def test_it_keeps_to_the_pace():
    """A checkpoint has just been written: the next waits for its time."""
    bench = TimedBench()
    bench.just_written()
    await bench.finish(0, 3)
    assert not await comes_within(0.2, bench.timer.wait())


async def test_many_finished_records_wait_for_no_pace():
    """Memory would fill up, and more would be done again after a crash."""
    bench = TimedBench()
    bench.just_written()
    waiting = asyncio.create_task(bench.timer.wait())
    await bench.finish(0, 60)
    assert not await comes_within(0.2, asyncio.shield(waiting))
    await bench.finish(60, 60)
    assert await comes_within(0.5, waiting)


async def test_what_is_unwritten_without_a_batch_is_seen_soon():
    """A table that was adopted, or a stream whose pause has ended, has something to write, too."""
    bench = TimedBench()
    bench.partition.position = 5
    assert await comes_within(3 * POLL_SECONDS, bench.timer.wait())
