"""The engine of a worker: its partitions, when a checkpoint is due, and a new session after an error."""

import asyncio
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.types import TP
from mode import Service

from dataflow.engine.boot import find_outputs, prepare_topics
from dataflow.engine.checkpoint import AtLeastOnce, ExactlyOnce, Guarantee, OutputRefused, write_checkpoint
from dataflow.engine.faults import FaultCount
from dataflow.engine.options import Delivery, EngineOptions
from dataflow.engine.output import RecordBatches
from dataflow.engine.partition import Partition, State, Surroundings
from dataflow.engine.producer import Membership, TransactionalProducer
from dataflow.engine.producing import Producing
from dataflow.engine.source import Source
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.taking import take_over
from dataflow.errors import DataflowError

if TYPE_CHECKING:
    from dataflow.engine.app import App

CHECKPOINT_LIMIT_SECONDS = 60.0
TAKE_PAUSE_SECONDS = 0.2
SETTLE_POLL_SECONDS = 0.005
ROOM_SECONDS = 0.5
BUSY_PAUSES = 0.5


class Engine(Service):
    """Takes partitions, writes checkpoints, gives partitions up, and begins again after an error.

    All of it runs in the worker's main loop; only fetching and heartbeats have a thread.
    """

    def __init__(self, app: "App", options: EngineOptions, **service: Any) -> None:
        super().__init__(**service)
        self.app = app
        self.options = options
        self.sources: dict[str, Source] = {}
        self.topics: set[str] = set()
        self.partitions: dict[TP, Partition] = {}
        self.producing = Producing(options)
        self.is_broken = False
        self._exactly_once = options.delivery is Delivery.EXACTLY_ONCE
        self._record_batches = RecordBatches(
            options.compression,
            transactional=self._exactly_once,
        )
        self._partition_counts: dict[str, int] = {}
        self._kept: dict[TP, tuple[int, State]] = {}
        self._membership: Membership | None = None
        self.session = 0
        self._faults = FaultCount()
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Tell whether this worker can do its work: nothing is broken, and the broker is there."""
        return self._may_write and self.app.batch_consumer.thread.has_coordinator

    @property
    def _may_write(self) -> bool:
        return self.producing.ready.is_set() and not self.is_broken

    def tables(self) -> list[WindowedTable]:
        """Return the tables of all sources, each once."""
        every = [table for source in self.sources.values() for table in source.tables]
        return list({table.name: table for table in every}.values())

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions a topic has that this app reads or writes."""
        return self._partition_counts[topic]

    async def add_outputs(self, names: AbstractSet[str]) -> None:
        """Learn of topics that will be written to; raise `Misconfigured` if one is missing.

        Before the start they are only noted: it looks for all topics.
        """
        if self._partition_counts:
            self._partition_counts |= await find_outputs(self.options.connection, names)
        self.topics |= names

    # -- start and stop

    async def on_start(self) -> None:
        """Prepare topics, and end the transaction that a killed predecessor left open."""
        self._partition_counts = await prepare_topics(
            self.options.connection,
            self.sources.values(),
            self.topics | {self.options.dead_letter_topic},
        )
        url = self.app.conf.canonical_url
        # Unique among the living, as the port is bound, and the same after a restart.
        await self.producing.start(f"{self.app.conf.id}-{url.host}-{url.port}")

    async def on_stop(self) -> None:
        """Stop the producer; the consumer has left the group before."""
        await self.producing.stop()

    async def stop_worker(self, error: BaseException) -> None:
        """Go down with a non-zero exit; nothing more is committed."""
        self.is_broken = True
        self._drop(keep=False)
        self.log.error("Worker stops: %s", error)
        await self.crash(error)

    def on_bug(self, error: BaseException) -> None:
        """Stop the worker, its batch uncommitted: an exception has left an agent."""
        if self.is_broken or self.should_stop or self.app.should_stop:
            return  # going down already: agents are being cancelled
        self.is_broken = True
        self.add_future(self.stop_worker(error))

    # -- take partitions

    async def take(self, tps: Collection[TP]) -> None:
        """Begin a session for these partitions; returns when they may be read.

        Runs in Faust's recovery, which an exception would end, and with it the worker: so
        this asks for another round when the broker is away.
        """
        try:
            await self.producing.ready.wait()
            await self._take(tps)
        except (KafkaError, TimeoutError, OSError) as error:
            self.log.warning("Cannot take partitions; trying again: %r", error)
            await asyncio.sleep(TAKE_PAUSE_SECONDS)
            self._recover()
        except DataflowError as error:
            await self.stop_worker(error)

    async def _take(self, tps: Collection[TP]) -> None:
        if self.partitions:  # a fetch for them may be under way: it belongs to the session before
            self._drop(keep=True)
        session, membership = self.session, self.app.batch_consumer.membership
        taken = await take_over(self, tps, self._kept)
        await self.app.batch_consumer.seek_wait({tp: position for tp, (position, _) in taken.items()})
        if session != self.session:
            return  # given up or failed meanwhile; Faust will call again
        around = Surroundings(
            self.options, self._record_batches, self.partitions_of, self._write_if_full, self.on_bug
        )
        self._kept, self._membership = {}, membership
        self.partitions = {
            tp: Partition(tp, position, state, around) for tp, (position, state) in taken.items()
        }
        self._room.set()

    def _recover(self) -> None:
        """Let Faust seek and resume, and so call `take`, without a rebalance."""
        cast("TableManager", self.app.tables).recovery.signal_recovery_start.set()

    # -- how much is in flight

    def partitions_with_room(self) -> dict[TP, Partition]:
        """Return the partitions that may be handed more; the others wait for a checkpoint.

        The first half of the memory is for whoever comes; of the second each partition has
        its share, so that a full one does not hold up the others.
        """
        half = self.options.in_flight_bytes // 2
        in_flight = sum(partition.in_flight_bytes for partition in self.partitions.values())
        most = half if in_flight < half else half // max(len(self.partitions), 1)
        return {
            tp: partition
            for tp, partition in self.partitions.items()
            if partition.in_flight_bytes < most and partition.can_accept
        }

    async def wait_for_room(self) -> None:
        """Wait until a checkpoint has gone through, or half a second."""
        self._room.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), ROOM_SECONDS)

    def _write_if_full(self) -> None:
        """Write before the interval is over when partitions would have to pause otherwise."""
        finished = sum(partition.finished_bytes for partition in self.partitions.values())
        many = any(p.records >= self.options.checkpoint_records for p in self.partitions.values())
        is_full = finished >= self.options.in_flight_bytes * 3 // 8
        if (is_full or many) and not self._writing.locked():
            self.add_future(self.checkpoint())

    # -- checkpoints

    @Service.task
    async def _checkpoint_often(self) -> None:
        """Write every so often; a long one is followed by a longer pause."""
        took = 0.0
        while not self.should_stop:
            await self.sleep(max(self.options.checkpoint_seconds, BUSY_PAUSES * took))
            begun = self.loop.time()
            await self.checkpoint()
            took = self.loop.time() - begun

    async def checkpoint(self, limit_seconds: float = CHECKPOINT_LIMIT_SECONDS) -> None:
        """Write what is finished, if there is anything; an error ends the session."""
        await self._checkpoint(limit_seconds)
        self._write_if_full()  # what was finished meanwhile

    async def _checkpoint(self, limit_seconds: float) -> None:
        async with self._writing:
            dirty = [p for p in self.partitions.values() if p.position != p.committed]
            if not dirty or not self._may_write:
                return
            changelogs = {topic: source.changelog for topic, source in self.sources.items()}
            try:
                async with asyncio.timeout(limit_seconds):
                    await write_checkpoint(
                        dirty,
                        self.producing.current,
                        self._guarantee(),
                        self._record_batches,
                        changelogs,
                    )
            except OutputRefused as error:
                await self.stop_worker(error)
            except (KafkaError, TimeoutError, OSError) as error:
                self._fail(error)
            else:
                self._faults.clear()
                self._room.set()

    def _guarantee(self) -> Guarantee:
        if not self._exactly_once:
            return AtLeastOnce(self.app.batch_consumer.thread)
        producer = self.producing.current
        assert isinstance(producer, TransactionalProducer)
        assert self._membership is not None
        return ExactlyOnce(producer, self.app.conf.id, self._membership, self.producing.transactional_id)

    # -- the end of a session

    async def settle(self) -> None:
        """Wait for the batches in the hands of agents, then write what is finished; both within a time."""
        deadline = self.loop.time() + self.options.drain_timeout_seconds
        while self._has_work_in_hand() and self.loop.time() < deadline:  # noqa: ASYNC110 - once a rebalance
            await asyncio.sleep(SETTLE_POLL_SECONDS)
        await self.checkpoint(self.options.drain_timeout_seconds)

    def _has_work_in_hand(self) -> bool:
        return any(partition.in_hand for partition in self.partitions.values())

    async def give_up(self) -> None:
        """Write what is finished, and keep the tables in case the partitions come back."""
        await self.settle()
        self._drop(keep=self.producing.ready.is_set())

    def _drop(self, *, keep: bool) -> None:
        clean = {tp: p for tp, p in self.partitions.items() if p.is_clean} if keep else {}
        self._kept = {tp: (p.committed, p.state) for tp, p in clean.items()}
        for partition in self.partitions.values():
            partition.is_ours = False
        self.partitions = {}
        self.session += 1

    def _fail(self, error: BaseException) -> None:
        """End the session: state and producer go, and what is committed is read again."""
        self.log.warning("Checkpoint has failed; beginning a new session: %r", error)
        self._drop(keep=False)
        self.producing.ready.clear()
        if self._faults.is_hopeless(error):
            self.add_future(self.stop_worker(error))
            return
        if not self.app.rebalancing:
            self.app.consumer.stop_flow()
            self.app.flow_control.suspend()
            self.app.flow_control.clear()
            self.app.on_rebalance_start()
        self.add_future(self._begin_again())

    async def _begin_again(self) -> None:
        await self.producing.replace(lambda: self.should_stop)
        if not self.app.batch_consumer.is_joining:  # else the assignment that is coming does it
            self._recover()
