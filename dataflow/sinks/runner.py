"""Sink runner: consumes the topics of one sink and serves every assigned partition."""

import asyncio
import time
from collections.abc import Collection, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress

from mode import Service

from dataflow.engine.service_tasks import TaskEnded
from dataflow.errors import SinkUnavailable
from dataflow.kafka.clients import start
from dataflow.kafka.consumers import (
    client_of,
    ends_of,
    group_consumer,
    known_sizes,
    last_end,
    refresh_topics,
    stable_end,
)
from dataflow.kafka.coordination import coordination_error, refusal_of
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.open_transactions import OpenTransactions
from dataflow.kafka.refusals import explain
from dataflow.kafka.topic_ids import topic_rows
from dataflow.kafka.types import RebalanceListener, TopicPartition
from dataflow.logs import get_log
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult
from dataflow.sinks.runner_commits import Commits
from dataflow.sinks.runner_metrics import SinkMetrics
from dataflow.sinks.runner_partition import SinkPartition

log = get_log(__name__)

END_SECONDS = 5.0  # of the time to stop: Faust's own end, and two steps after the last write
STEP_SECONDS = 1.5
MEASURE_SECONDS = 2.0


class SinkRunner(Service, RebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Runs one sink in a consumer group of its own.

    Partitions are served independently: a slow one delays no other. During an outage of the
    sink the worker keeps its partitions, since heartbeats to the group continue. Memory is
    bounded by one batch and one fetched response for each partition.
    """

    def __init__(self, sink: Sink, options: RunnerOptions) -> None:
        super().__init__()
        self.sink = sink
        self.options = options
        self.partitions: dict[TopicPartition, SinkPartition] = {}
        self.joined = False  # whether we are a member of the group, maybe without partitions
        self._serving: dict[TopicPartition, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()
        self._is_open = False
        self._at_stop = AsyncExitStack()  # ends in reverse order what the start has begun

    async def on_start(self) -> None:
        """Join the group; wait for a broker that is unavailable."""
        group = self.options.group_of(self.sink.name)
        for pause in self.options.pauses():
            self.consumer = group_consumer(
                self.options.connection,
                group,
                session_timeout_ms=self.options.session_timeout_ms,
                leave_timeout_ms=int(self.options.drain_timeout_seconds * 1000),
            )
            try:
                await self.wait_for_stopped(start(self.consumer))  # a silent broker holds it up for long
                break
            except (KafkaError, OSError) as error:
                await self.consumer.stop()
                reason = (await self.wait(explain(error, self.options.connection))).result
                log.warning("Sink waits for the broker.", sink=self.sink.name, error=reason or error)
                await self.sleep(pause)
            if self.should_stop:  # a sleep is over at once from then on
                return
        if self.should_stop:  # meanwhile
            await self._in_time("disconnect from the broker", self.consumer.stop(), STEP_SECONDS)
            return
        self._at_stop.push_async_callback(self.consumer.stop)
        self.commits = Commits(self.consumer, group, self.options)
        self._at_stop.push_async_callback(self.commits.stop)
        self.consumer.subscribe(list(self.sink.topics), listener=self)
        self.add_future(self._open())
        self.add_future(self._measure())

    async def _open(self) -> None:
        """Open the sink at start, so that faults show before the first record comes."""
        for pause in self.options.pauses():
            try:
                await self._open_once()
                return
            except (SinkUnavailable, OSError) as error:
                log.warning(
                    "Sink is unavailable; retrying.",
                    sink=self.sink.name, wait_seconds=round(pause, 1), error=error,
                )  # fmt: skip
                await self.sleep(pause)
                if self.should_stop:  # a sleep is over at once from then on
                    return

    async def _open_once(self) -> None:
        async with self._opening:
            if not self._is_open:
                await self.sink.open()
                self._is_open = True

    async def _write(self, batch: SinkBatch) -> WriteResult:
        """Store a batch; an outage at the start is handled as any other."""
        await self._open_once()
        return await self.sink.write(batch)

    async def _measure(self) -> None:
        """Keep the gauges up to date, also during an outage of the sink."""
        metrics, open_transactions = SinkMetrics(self.sink.name), OpenTransactions()
        while not self.should_stop:
            await self.sleep(MEASURE_SECONDS)
            await self._check_membership()
            await self._check_topics()
            consumer = self.consumer
            open_transactions.remind(
                {tp: (stable_end(consumer, tp), last_end(consumer, tp)) for tp in self.partitions}
            )
            partitions = {tp: one for tp, one in self.partitions.items() if one.position.is_known}
            served = partitions.values()
            metrics.buffered.set(sum(one.position.consumed - one.committed_offset for one in served))
            metrics.lag_seconds.set(_seconds_since(one.oldest_ms for one in served))
            metrics.retrying_seconds.set(_seconds_since(one.note.retrying_since_ms for one in served))
            try:
                ends = await ends_of(self.consumer, partitions)
            except (KafkaError, OSError):
                continue  # keep the last value until the broker is back
            metrics.lag.set(sum(max(ends[tp] - one.position.consumed, 0) for tp, one in partitions.items()))

    async def _check_membership(self) -> None:
        """End the worker if the group can never be joined, or a task of its consumer has ended."""
        error, has_ended = await coordination_error(self.consumer)
        if error is None or self.should_stop:
            return
        group, options = self.options.group_of(self.sink.name), self.options
        refusal = await refusal_of(error, options.connection, group, options.session_timeout_ms)
        if refusal is not None or has_ended:
            await self.crash(refusal or error)
        else:
            log.warning("Group of a sink is not joined; trying again.", sink=self.sink.name, error=error)

    async def _check_topics(self) -> None:
        """Begin partitions of topics that were created again anew; have the group join for new ones."""
        with suppress(KafkaError, OSError):  # the next look is soon
            rows = await topic_rows(client_of(self.consumer), self.sink.topics)
            ids = {row.topic: row.topic_id for row in rows if row.topic_id}
            for tp, partition in self.partitions.items():
                begun_with = partition.position.topic_id
                if begun_with and ids.get(tp.topic, begun_with) != begun_with:
                    partition.begin_anew()
            sizes = {row.topic: len(row.partitions) for row in rows}
            if sizes != known_sizes(self.consumer, sizes):
                await refresh_topics(self.consumer)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start serving partitions."""
        self.joined = True
        if self.should_stop:  # a rebalance that ends while we leave: nothing would stop what we begin now
            return
        for tp in assigned:
            self._serving[tp] = asyncio.create_task(self._serve(self._begin(tp)))

    def _begin(self, tp: TopicPartition) -> SinkPartition:
        partition = SinkPartition(tp, self.sink.name, self._write, self.commits, self.options)
        self.partitions[tp] = partition
        return partition

    async def _serve(self, partition: SinkPartition) -> None:
        tp = partition.tp
        try:
            await partition.serve()
            while partition.begins_anew:
                await self.sink.release(tp)
                if self.partitions.get(tp) is not partition:  # revoked meanwhile
                    break
                partition = self._begin(tp)
                await partition.serve()
        except asyncio.CancelledError:
            if self.partitions.get(tp) is partition:  # nobody has revoked it
                await self.crash(TaskEnded(f"sink {self.sink.name} serves {tp} no more"))
            raise
        except Exception as error:  # the outermost edge of a sink: a bug ends the worker
            log.exception("Sink has a bug.", sink=self.sink.name)
            await self.crash(error)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Stop serving partitions; a write in progress gets some seconds to be committed.

        The group waits for this before another member gets them.
        """
        await self._finish(revoked, self.options.drain_timeout_seconds)
        await self._release(revoked)

    async def _finish(self, tps: Collection[TopicPartition], seconds: float) -> None:
        draining = [self._serving.pop(tp) for tp in list(tps) if tp in self._serving]
        for tp in tps:
            if tp in self.partitions:
                self.partitions.pop(tp).drain()
        if draining:
            _, late = await asyncio.wait(draining, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*draining, return_exceptions=True)

    async def _release(self, tps: Collection[TopicPartition]) -> None:
        await asyncio.gather(*(self.sink.release(tp) for tp in tps))

    async def on_stop(self) -> None:
        """Finish writes in progress, leave the group, close the sink; what would last too long is cut off.

        Sink and broker may be away, and the worker has to be gone in time.
        """
        tps, seconds = list(self._serving), self.options.drain_timeout_seconds
        seconds = max(seconds - END_SECONDS, seconds / 2)
        finished_at = self.loop.time() + seconds
        await self._in_time("finish its writes", self._finish(tps, seconds), seconds + STEP_SECONDS)
        left = max(finished_at - self.loop.time(), 0.0) + STEP_SECONDS
        await self._in_time("release its partitions", self._release(tps), left)
        left = max(finished_at - self.loop.time(), 0.0) + STEP_SECONDS
        await asyncio.gather(
            self._in_time("leave its group", self._at_stop.aclose(), left),
            self._in_time("disconnect", self.sink.close(), left),
        )

    async def _in_time(self, what: str, step: Coroutine[object, object, None], seconds: float) -> None:
        # By itself: aiokafka raises CancelledError when the broker is away, not only when we are cancelled.
        task = asyncio.create_task(step)
        await asyncio.wait([task], timeout=seconds)
        is_through = task.done() and not task.cancelled()
        error = task.exception() if is_through else TimeoutError(f"cannot {what} in time")
        if error is not None:
            task.cancel()
            log.warning("Sink does not end in good order.", sink=self.sink.name, error=error)


def _seconds_since(instants_ms: Iterable[int | None]) -> float:
    """Return the seconds since the first of the instants, at least 0 (clocks differ); 0 for none."""
    first = min((at_ms for at_ms in instants_ms if at_ms is not None), default=None)
    return 0.0 if first is None else max(time.time() - first / 1000, 0.0)
