"""A worker in memory: the real engine, partitions, batches and tables; only Kafka and Faust are replaced."""

import asyncio
from collections import deque
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import faust
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from faust.types import TP
from model.memory_broker import MemoryBroker
from model.memory_clients import Line
from partition_bench import EVENT_TIME, MARK, PER_KIND

from dataflow.engine.batch import Batch
from dataflow.engine.engine import Engine
from dataflow.engine.group import Group
from dataflow.engine.lifecycle import EngineState
from dataflow.engine.options import EngineOptions
from dataflow.engine.tables.changelog import FORMAT_VERSION
from dataflow.engine.topic import BatchTopic
from dataflow.engine.topology import Topology
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.kafka.offset_commit import GroupMetadata

APP, SOURCE, OUTPUT, DEAD = "app", "source", "output", "dead-letters"
PARTITIONS = 2
DRAIN_SECONDS = 1.0


class BuggyAgent(Exception):
    """What an agent raises that meets a bug."""


class Member(Group):
    """A worker's membership in the group, and what it fetches."""

    group_metadata: GroupMetadata | None = None
    changelog_format = FORMAT_VERSION
    is_joining = False
    has_coordinator = True

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker
        self.positions: dict[TP, int] = {}

    def stop_flow(self) -> None:
        """Hand out nothing more."""

    async def refresh_topics(self) -> None:
        """Join no group again: no topic comes or goes."""

    def stable_end(self, tp: TP) -> int:
        """Return where it ends."""
        return len(self.broker.logs[TopicPartition(*tp)])

    last_end = stable_end

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Return where they begin."""
        return dict.fromkeys(partitions, 0)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Move positions."""
        self.positions = dict(partitions)

    def fetch(self, tp: TP, most: int) -> Fetched | None:
        """Return the next records."""
        first = self.positions[tp]
        records = self.broker.visible(TopicPartition(*tp))[first : first + most]
        if not records:
            return None
        self.positions[tp] += len(records)
        raw = [DefaultRecord(r.offset, r.timestamp, 0, r.key, r.value, []) for r in records]
        return Fetched(first, first + len(raw), [RecordSlice(raw, raw[-1].timestamp)], 100 * len(raw))


class MemoryWorker:
    """One process; a killed one is another object."""

    def __init__(self, name: str, broker: MemoryBroker, loop: asyncio.AbstractEventLoop) -> None:
        self.name, self.broker, self.loop = name, broker, loop
        self.line = Line(broker)
        self.member = Member(broker)
        self.owned: set[TP] = set()
        self.revoking: asyncio.Task[object] | None = None
        self.fetched: deque[tuple[int, TP, Fetched]] = deque()
        """Session in which it was fetched, partition, records."""
        self.handed_out: asyncio.Queue[Batch] = asyncio.Queue()
        self.in_hand: asyncio.Future[BaseException | None] | None = None
        """What the agent waits for to finish its batch."""
        self.bugs: list[BaseException] = []
        """What nothing expects."""
        self._recovery = asyncio.Event()
        self._tasks: list[asyncio.Task[object]] = []
        self.engine = self._engine()

    def _engine(self) -> Engine:
        app: Any = SimpleNamespace(
            conf=SimpleNamespace(id=APP),
            consumer=self.member,
            should_stop=False,
            producer_only=False,
            rebalancing=False,
            flow_control=SimpleNamespace(suspend=lambda: None, clear=lambda: None),
            on_rebalance_start=lambda: None,
            tables=SimpleNamespace(recovery=SimpleNamespace(signal_recovery_start=self._recovery)),
        )
        app.app_id = APP
        topology = Topology(partition_counts={SOURCE: PARTITIONS, OUTPUT: PARTITIONS, DEAD: PARTITIONS})
        topic = SimpleNamespace(app=app, get_topic_name=lambda: SOURCE)
        topology.source(cast("BatchTopic", topic)).tables.append(PER_KIND)
        options = EngineOptions(
            connection={"line": self.line},
            drain_timeout_seconds=DRAIN_SECONDS,
            dead_letter_max_consecutive=10**6,
            dead_letter_ratio_window=10**6,
        )
        return Engine(cast("faust.App", app), topology, options, loop=self.loop)

    @property
    def has_failed(self) -> bool:
        """Tell whether it has ended by itself."""
        return self.engine.lifecycle.has_failed

    def do(self, work: Any) -> "asyncio.Task[object]":
        """Begin something that ends with the worker."""
        task = self.loop.create_task(work)
        task.add_done_callback(self._note)
        self._tasks.append(task)
        return task

    def _note(self, done: "asyncio.Task[object]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self.bugs.append(error)

    def start(self) -> None:
        """Start the producer, Faust's recovery and the agent."""
        self.engine.lifecycle.enter(EngineState.RECOVERING, "start")
        self.do(self._start())

    async def _start(self) -> None:
        await self.engine.producer.start(f"{APP}-{self.name}")
        self.do(self._recover())
        self.do(self._work())

    def kill(self) -> None:
        """Let nothing more happen of what it had begun; its transaction stays open."""
        for task in (*self._tasks, *self.engine._futures):
            task.cancel()
        if self.engine.producer._current is not None:
            self.engine.producer.current.close()

    # -- what Faust does

    def assign(self, generation: int, tps: set[TP]) -> None:
        """Take part in a generation."""
        self.member.group_metadata = GroupMetadata(generation, f"{self.name}-{id(self)}", None)
        self.member.is_joining, self.revoking, self.owned = False, None, tps
        self._recovery.set()

    def revoke(self) -> None:
        """Give up all partitions, before the group shares them out anew."""
        self.member.is_joining = True
        self.revoking = self.do(self.engine.revoke())

    async def _recover(self) -> None:
        while True:
            await self._recovery.wait()
            self._recovery.clear()
            if self.owned and not self.member.is_joining:
                await self.engine.recover(self.owned)
            elif not self.member.is_joining:
                self.engine.on_nothing_assigned()

    # -- what consumer and agent do

    def fetch(self, tp: TP, most: int) -> None:
        """Take records of a partition, for the session that is now."""
        if self.engine.lifecycle.is_running and tp in self.engine.assignment.accepting():
            fetched = self.member.fetch(tp, most)
            if fetched is not None:
                self.fetched.append((self.engine.assignment.session, tp, fetched))

    def hand_out(self) -> None:
        """Hand what was fetched first to the agent; what was fetched for another session goes."""
        session, tp, fetched = self.fetched.popleft()
        if session == self.engine.assignment.session:
            partition = self.engine.partitions[tp]
            assert fetched.first == partition.delivered, "records were skipped, or fetched twice"
            batch = partition.deliver(EVENT_TIME, fetched)
            assert batch is not None
            self.handed_out.put_nowait(batch)

    async def _work(self) -> None:
        """Do with batches what an agent does, one after the other; each is left when a test says so.

        A bug ends it, as it ends the function of an agent: it enters no further batch.
        """
        while True:
            batch = await self.handed_out.get()
            try:
                async with batch:
                    rows = batch.apply(MARK)
                    batch.fold(PER_KIND, rows)
                    self.in_hand = self.loop.create_future()
                    error = await self.in_hand
                    if error is not None:
                        raise error
                    batch.send(OUTPUT, rows)
            except BuggyAgent as error:
                self.engine.on_bug(error)
                return

    @property
    def is_busy(self) -> bool:
        """Tell whether the agent has a batch in hand."""
        return self.in_hand is not None and not self.in_hand.done()

    def finish(self, error: BaseException | None = None) -> None:
        """Let the agent leave its batch."""
        if self.in_hand is not None and self.is_busy:
            self.in_hand.set_result(error)
