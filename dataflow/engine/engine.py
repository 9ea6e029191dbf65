"""The engine of a worker: its life cycle, and when it writes checkpoints."""

import asyncio
from collections.abc import Collection
from time import monotonic
from typing import Any, cast

import faust
from faust.types import TP
from mode import Service

from dataflow.engine.assignment import Assignment
from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.boot import prepare_topics
from dataflow.engine.capacity import Capacity
from dataflow.engine.checkpoint import CheckpointErrors, write_checkpoint
from dataflow.engine.checkpoint_timer import CheckpointTimer
from dataflow.engine.engine_metrics import CHECKPOINT_FAILURES, CHECKPOINT_SECONDS, cause_of, show
from dataflow.engine.faust_recovery import request_recovery, suspend_flow
from dataflow.engine.group import Group
from dataflow.engine.lifecycle import REVOCATION, THE_GROUP, EngineState, Lifecycle
from dataflow.engine.local_store import LocalStore
from dataflow.engine.membership import Membership, Moment
from dataflow.engine.options import EngineOptions
from dataflow.engine.ordinary_topics import prepare_ordinary
from dataflow.engine.partition import Partition
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.recovery import Recovery
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.slices import in_slices
from dataflow.engine.state_memory import StateMemory
from dataflow.engine.topic_inspector import TopicInspector
from dataflow.engine.topology import Topology
from dataflow.engine.write_deadline import WriteDeadline
from dataflow.errors import DataflowError
from dataflow.kafka.clients import backoff
from dataflow.kafka.errors import KafkaError, RecordsRefused
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.record_batches import RecordBatches
from dataflow.logs import get_log

log = get_log(__name__)

CHECKPOINT_LIMIT_SECONDS = 60.0
RECOVERY_PAUSE_SECONDS = 0.2
DRAIN_POLL_SECONDS = 0.005
LEAST_WRITE_SECONDS = 2.0
UPKEEP_SECONDS = 0.25  # between rounds of rolling up, sealing and packing windows, and of writing to disk


class Engine(Service):
    """Recovers partitions, writes checkpoints, revokes partitions, and restarts the session after an error.

    All of it runs in the worker's main loop; only fetching and heartbeats have a thread.
    """

    def __init__(self, app: faust.App, topology: Topology, options: EngineOptions, **service: Any) -> None:
        super().__init__(**service)
        self.app = app
        self.topology = topology
        self.options = options
        self.assignment = Assignment(options)
        self.lifecycle = Lifecycle()
        self.pauses = StreamPauses()
        self.local = LocalStore(options.local_store_seconds, self.lifecycle.note_progress)
        self.memory = StateMemory(options.state_memory_bytes, self.local)
        self.producer = ManagedProducer(options.connection, options.compression)
        batches = self._record_batches = RecordBatches(options.compression, transactional=True)
        self._group_metadata: GroupMetadata | None = None
        self.inspector = TopicInspector(topology, self.producer, self.pauses, batches, options.connection)
        self.siblings = SiblingGroups(options.app_id or app.conf.id, app.conf.id, self.producer)
        held_up, local, pauses = self.inspector.held_up, self.local, self.pauses
        self._recovery = Recovery(self.siblings, topology, self.producer, options, local, pauses, held_up)
        self._errors = CheckpointErrors()
        self.membership = Membership(app, options)
        self._recovery_pauses = backoff(RECOVERY_PAUSE_SECONDS)
        self.write_deadline = WriteDeadline()
        self._writing = asyncio.Lock()
        self._in_upkeep = asyncio.Lock()
        self.capacity = Capacity()
        self.batch_sizes = BatchSizes(options.batch_records)
        self.checkpoint_timer = CheckpointTimer(self.assignment, options.checkpoint_seconds)

    @property
    def group(self) -> Group:
        """This worker's membership in its consumer group."""
        return cast("Group", self.app.consumer)

    @property
    def partitions(self) -> dict[TP, Partition]:
        """The partitions that this worker owns."""
        return self.assignment.partitions

    @property
    def is_ready(self) -> bool:
        """Tell whether this worker does its work: it is running, and its broker answers."""
        return self.lifecycle.is_running and self.producer.ready.is_set() and self.group.has_coordinator

    # -- start and stop

    async def on_start(self) -> None:
        """Prepare topics, and end the transaction that a killed predecessor left open."""
        self.lifecycle.enter(EngineState.RECOVERING, "start")
        self.lifecycle.wait("the broker, to prepare topics")
        show(self.topology.taken)
        topology, connection = self.topology, self.options.connection
        outputs = topology.topics | {self.options.dead_letter_topic}
        topology.partition_counts = await prepare_topics(connection, topology.sources.values(), outputs)
        await self.inspector.read_sizes()
        await prepare_ordinary(self.app, connection)
        await self.membership.check(Moment.START)
        transactional_id = self.membership.transactional_id
        self.lifecycle.wait(f"the broker, to let transactional id {transactional_id} begin")
        self.local.open(self.app.conf.datadir / "tables", transactional_id)
        await self.producer.start(transactional_id)
        self.lifecycle.wait(THE_GROUP)

    async def on_stop(self) -> None:
        """Stop the producer; the consumer has left the group before."""
        await self.producer.stop()
        async with self._in_upkeep:
            await self.local.close()

    async def stop_worker(self, error: BaseException) -> None:
        """Go down with a non-zero exit; nothing more is committed."""
        self.lifecycle.enter(EngineState.FAILED, type(error).__name__)
        self.assignment.end(retain=False)
        log.error("Worker stops.", error=error)
        await self.crash(error)

    def on_bug(self, error: BaseException) -> None:
        """Stop the worker, its batch uncommitted: an exception has left an agent."""
        if self.lifecycle.has_failed or self.should_stop or self.app.should_stop:
            return  # going down already: agents are being cancelled
        self.lifecycle.enter(EngineState.FAILED, type(error).__name__)
        self.add_future(self.stop_worker(error))

    # -- recovery of partitions

    async def recover(self, tps: Collection[TP]) -> None:
        """Begin a session for these partitions; returns when they may be read.

        Runs in Faust's recovery, which an exception would end, and with it the worker: so
        this asks for another round when the broker is away.
        """
        if self.lifecycle.has_failed:
            return
        self.lifecycle.enter(EngineState.RECOVERING, "assignment")
        try:
            await self.producer.ready.wait()
            await self._recover(tps)
        except (KafkaError, TimeoutError, OSError) as error:
            if type(error) is not type(self.lifecycle.error):
                log.warning("Cannot recover partitions; trying again.", error=error)
            self.lifecycle.wait(self.lifecycle.awaited, error)
            await asyncio.sleep(next(self._recovery_pauses))
            request_recovery(self.app)
        except DataflowError as error:
            await self.stop_worker(error)

    async def _recover(self, tps: Collection[TP]) -> None:
        assignment = self.assignment
        if assignment.partitions:  # a fetch for them may be under way: it belongs to the session before
            assignment.end(retain=True)
        session, group_metadata = assignment.session, self.group.group_metadata
        tps = await self.inspector.recoverable(tps)
        self.lifecycle.wait(f"committed offsets and changelogs of {len(tps)} partitions")
        recovered = await self._recovery.recover(self.group, tps, assignment.retained)
        await self.group.seek_wait({tp: position for tp, (position, _) in recovered.items()})
        if session != assignment.session or self.lifecycle.has_failed:
            return  # revoked or failed meanwhile; Faust will call again
        self._group_metadata = group_metadata
        assignment.begin(recovered, self._partition_context())
        self.lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
        self._recovery_pauses = backoff(RECOVERY_PAUSE_SECONDS)
        self.capacity.set()

    def _partition_context(self) -> PartitionContext:
        return PartitionContext(
            self.options,
            self._record_batches,
            lambda topic: self.topology.partition_counts.get(topic, 1),  # 1: it is hidden, and refuses
            self.checkpoint_timer.on_finished,
            self.on_bug,
            self.pauses,
            self.topology.note_output,
            Backlog(),
            self.batch_sizes,
            changelog_format=self.group.changelog_format,
        )

    def on_nothing_assigned(self) -> None:
        """Stand by: there are more workers than partitions, and Faust calls no `recover`."""
        if self.lifecycle.state is EngineState.RECOVERING:
            self.lifecycle.enter(EngineState.RUNNING, "no partition is assigned")

    @Service.task
    async def _checkpoint_when_due(self) -> None:
        while not self.should_stop:
            await self.checkpoint_timer.wait()
            await self.checkpoint()

    async def checkpoint(self, limit_seconds: float = CHECKPOINT_LIMIT_SECONDS) -> None:
        """Write what is finished, if there is anything; an error ends the session."""
        async with self._writing:
            is_able = self.producer.ready.is_set() and not self.lifecycle.has_failed
            if is_able and self.assignment.uncommitted():
                self.memory.check([partition.state for partition in self.partitions.values()])
                await self._write(limit_seconds)

    async def _write(self, limit_seconds: float) -> None:
        began = monotonic()
        try:
            async with self.write_deadline.within(limit_seconds):
                partition_batches = await write_checkpoint(
                    self.assignment,
                    lambda: self._group_metadata,
                    self.producer.current,
                    self.app.conf.id,
                    self._record_batches,
                    self.topology,
                )
        except (KafkaError, TimeoutError, OSError) as error:
            self.fail(error)
        else:
            self.checkpoint_timer.pace.written(began, monotonic(), partition_batches)
            CHECKPOINT_SECONDS.observe(monotonic() - began)
            self._errors.clear()
            self.lifecycle.note_progress()
            self.capacity.set()

    @Service.task
    async def _upkeep(self) -> None:
        while not self.should_stop:
            async with self._in_upkeep:  # it reads the local store, which nobody closes meanwhile
                await in_slices(self.assignment.upkeep())
                await self.local.flush_if_due()
                if self.lifecycle.is_running:  # else partitions are being restored
                    self.local.delete_unused(self.assignment.changelogs(self.topology.changelogs))
            await self.sleep(UPKEEP_SECONDS)

    # -- the end of a session

    async def drain(self) -> None:
        """Wait for the batches that agents work on, then write what is finished; both within one time.

        Where agents take all of it, a moment is left to write; at a worker's end no checkpoint goes on then.
        """
        if self.lifecycle.is_running:
            self.lifecycle.enter(EngineState.DRAINING, "stop" if self.app.should_stop else REVOCATION)
        seconds = self.options.drain_timeout_seconds
        deadline = self.loop.time() + seconds
        if self.app.should_stop:
            self.write_deadline.move_to(deadline)
        while self.assignment.has_batches_in_progress() and self.loop.time() < deadline:  # noqa: ASYNC110 - once a rebalance
            await asyncio.sleep(DRAIN_POLL_SECONDS)
        least = min(LEAST_WRITE_SECONDS, seconds / 2)
        await self.checkpoint(max(deadline - self.loop.time(), least))

    async def revoke(self) -> None:
        """Write what is finished, and retain the tables in case the partitions come back."""
        await self.drain()
        self.assignment.end(retain=self.producer.ready.is_set())
        if not self.lifecycle.has_failed:
            self.lifecycle.enter(EngineState.RECOVERING, REVOCATION)

    def fail(self, error: BaseException) -> None:
        """End the session: state and producer go, and what is committed is read again."""
        if self.lifecycle.has_failed:
            return
        CHECKPOINT_FAILURES.labels(cause_of(error)).inc()
        log.warning("Checkpoint has failed; beginning a new session.", error=error)
        self.lifecycle.enter(EngineState.RECOVERING, "checkpoint has failed")
        self.lifecycle.wait("the broker, to let a new producer begin", error)
        self.assignment.end(retain=False)
        self.producer.ready.clear()
        is_alone = self.inspector.take_refusal(error, self.options.dead_letter_topic)
        if not is_alone and (isinstance(error, RecordsRefused) or self._errors.is_fatal(error)):
            self.add_future(self.stop_worker(error))
            return
        suspend_flow(self.app)
        self.add_future(self._restart_session())

    async def recover_again(self, cause: str) -> None:
        """Begin a new session with the partitions that the group has assigned."""
        async with self._writing:
            if not self.lifecycle.is_running:
                return
            self.lifecycle.enter(EngineState.RECOVERING, cause)
            self.assignment.end(retain=True)
        suspend_flow(self.app)
        request_recovery(self.app)

    async def _restart_session(self) -> None:
        await self.producer.replace(lambda: self.should_stop)
        self.lifecycle.wait(THE_GROUP)
        if not self.group.is_joining:  # else the assignment that is coming does it
            request_recovery(self.app)
