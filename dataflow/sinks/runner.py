"""The runner of one sink: its topics in, batch after batch of every partition given to it."""

import asyncio
import time
from collections.abc import Collection, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from mode import Service

from dataflow.errors import SinkUnavailable
from dataflow.logs import get_log
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult
from dataflow.sinks.runner_commits import Commits
from dataflow.sinks.runner_metrics import SinkMetrics
from dataflow.sinks.runner_options import RunnerOptions
from dataflow.sinks.runner_partition import SinkPartition

log = get_log(__name__)

FETCH_BYTES = 1 << 20  # of one partition at once; this, inflated, is what it holds in memory
NEVER_MS = 2**31 - 1
STOP_SECONDS = 5.0
MEASURE_SECONDS = 2.0


class LazySink(Sink):
    """A sink that is opened before its first batch; an outage at start is like any other."""

    def __init__(self, sink: Sink) -> None:
        self.name, self.topics = sink.name, sink.topics
        self._sink = sink
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Open the sink, once."""
        async with self._opening:
            if not self._is_open:
                await self._sink.open()
                self._is_open = True

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch in the open sink."""
        await self.open()
        return await self._sink.write(batch)

    async def release(self, tp: TopicPartition) -> None:
        """Pass it on."""
        await self._sink.release(tp)

    async def close(self) -> None:
        """Close the sink, also one whose opening has failed halfway."""
        await self._sink.close()


class SinkRunner(Service):
    """Runs one sink in a consumer group of its own.

    Every partition is served by itself: a slow one holds up no other, and a sink that is
    away keeps its partitions, since the heartbeats of the group go on. Memory is bounded by
    one batch and one fetched response a partition.
    """

    def __init__(self, sink: Sink, options: RunnerOptions) -> None:
        super().__init__()
        self.sink = LazySink(sink)
        self.options = options
        self.partitions: dict[TopicPartition, SinkPartition] = {}
        self.joined = False
        """Whether the group has taken us in, if maybe without partitions."""
        self._serving: dict[TopicPartition, asyncio.Task[None]] = {}

    async def on_start(self) -> None:
        """Join the group; a broker that is away is waited for."""
        group = self.options.group_of(self.sink.name)
        for pause in self.options.pauses():
            self.consumer = self._new_consumer(group)
            try:
                await self.consumer.start()
                break
            except (KafkaError, OSError) as error:
                await self.consumer.stop()
                log.warning("Sink is waiting for its broker.", sink=self.sink.name, error=error)
                await self.sleep(pause)
        self.commits = Commits(self.consumer, group, self.options.connection, self.options.compression)
        self.consumer.subscribe(list(self.sink.topics), listener=_Assignments(self))
        self.add_future(self._open())
        self.add_future(self._measure())

    def _new_consumer(self, group: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self.options.connection,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            session_timeout_ms=self.options.session_timeout_ms,
            heartbeat_interval_ms=self.options.session_timeout_ms // 4,
            # A sink may be away for days; a member that takes long to give up is bounded by patience.
            max_poll_interval_ms=NEVER_MS,
            rebalance_timeout_ms=self.options.session_timeout_ms
            + int(self.options.drain_timeout_seconds * 1000),
        )

    async def _open(self) -> None:
        """Open the sink at start, so that what is wrong shows before the first record comes."""
        for pause in self.options.pauses():
            try:
                await self.sink.open()
                return
            except (SinkUnavailable, OSError) as error:
                log.warning(
                    "Sink is unavailable; trying again.", sink=self.sink.name, wait_seconds=pause, error=error
                )
                await self.sleep(pause)

    async def _measure(self) -> None:
        """Keep the gauges right, also while nothing is fetched since nothing can be stored."""
        metrics = SinkMetrics(self.sink.name)
        while not self.should_stop:
            await self.sleep(MEASURE_SECONDS)
            ours = dict(self.partitions)
            metrics.measure(ours.values(), time.time())
            try:
                ends = await self.consumer.end_offsets(list(ours)) if ours else {}
            except (KafkaError, OSError):
                continue  # the last value stands until the broker is back
            metrics.lag.set(sum(max(ends[tp] - one.consumed, 0) for tp, one in ours.items()))

    def take_up(self, tps: Iterable[TopicPartition]) -> None:
        """Begin to serve partitions."""
        self.joined = True
        for tp in tps:
            partition = SinkPartition(tp, self.sink, self.consumer, self.commits, self.options)
            self.partitions[tp] = partition
            self._serving[tp] = asyncio.create_task(self._serve(partition))

    async def _serve(self, partition: SinkPartition) -> None:
        try:
            await partition.serve()
        except Exception as error:  # the outermost edge of a sink: a bug ends the worker
            log.exception("Sink has a bug.", sink=self.sink.name)
            await self.crash(error)

    async def give_up(self, tps: Collection[TopicPartition]) -> None:
        """End the service of partitions: what is being written has a few seconds to be committed."""
        leaving = [self._serving.pop(tp) for tp in tps if tp in self._serving]
        for tp in tps:
            if tp in self.partitions:
                self.partitions.pop(tp).leave()
        if leaving:
            _, late = await asyncio.wait(leaving, timeout=self.options.drain_timeout_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
        await asyncio.gather(*(self.sink.release(tp) for tp in tps))

    async def on_stop(self) -> None:
        """Finish what is being written, leave the group, close the sink."""
        await self.give_up(list(self._serving))
        await self.commits.stop()
        # By itself: it raises CancelledError when the broker is away, and not only when we are cancelled.
        leaving = asyncio.create_task(self.consumer.stop())
        await asyncio.wait([leaving], timeout=STOP_SECONDS)
        if not leaving.done() or leaving.cancelled() or leaving.exception():
            leaving.cancel()
            log.warning("Consumer of a sink could not leave its group in time.", sink=self.sink.name)
        await self.sink.close()


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Tells a runner which partitions it has; the group waits for an answer before it goes on."""

    def __init__(self, runner: SinkRunner) -> None:
        self._runner = runner

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish the partitions before somebody else may have them."""
        await self._runner.give_up(list(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Serve the partitions."""
        self._runner.take_up(assigned)
