"""The consumer: whole record batches of one partition become stream events."""

import asyncio
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.types import ServiceT

from dataflow.engine.assignor import Assignor
from dataflow.engine.batch import Batch
from dataflow.engine.consumer_thread import BatchConsumerThread
from dataflow.engine.dead_members import DeadMembers
from dataflow.engine.engine import Engine
from dataflow.engine.group_watch import GroupWatch
from dataflow.engine.partition import Partition
from dataflow.engine.recovery import check_offset_gap
from dataflow.engine.resume import pause_begun_anew
from dataflow.engine.service_tasks import TaskEnded
from dataflow.engine.topic_identity import MADE_ANEW, TopicMadeAnew, check_same
from dataflow.engine.truncation import OffsetsWentBack, check_truncation
from dataflow.errors import DataflowError
from dataflow.kafka.consumers import find_topics, group_metadata, refresh_topics
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.fetch import Fetched, FetchOptions
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.types import ConsumerRecord
from dataflow.logs import get_log

log = get_log(__name__)

DRAIN_SECONDS = 1.0
DRAIN_BESIDE_FULL_SECONDS = 0.02  # a checkpoint makes room any moment
SEEK_LIMIT_SECONDS = 20.0


class GroupMetadataListener(driver.ConsumerRebalanceListener):
    """Notes the group's generation while aiokafka still knows it.

    It forgets generation and member id before it tells of a lost session; an offset
    commit without them would not be fenced.
    """

    async def on_partitions_assigned(self, assigned: Iterable[TP]) -> None:
        """Note the group metadata, then do what Faust does."""
        thread = self._thread
        cast("BatchConsumer", thread.consumer).group_metadata = group_metadata(
            thread._ensure_consumer(), thread.app.conf.consumer_group_instance_id
        )
        await super().on_partitions_assigned(assigned)
        self._finding = asyncio.create_task(find_topics(thread._ensure_consumer()))


class BatchConsumer(driver.Consumer):
    """Faust's consumer: hands batches to the conductor, and tells the engine of the group's changes.

    It is the `Group` of the engine.
    """

    RebalanceListener = GroupMetadataListener
    group_metadata: GroupMetadata | None = None
    is_joining = False
    _turn = 0
    _gathers = False  # while records come; the first one after a pause is not waited with

    def __init__(self, *arguments: Any, engine: Engine, **settings: Any) -> None:
        self.engine = engine
        super().__init__(*arguments, **settings)
        self._watch = GroupWatch(self.thread, engine)
        self.add_dependency(self._watch)
        self.add_dependency(DeadMembers(engine))

    @property
    def has_coordinator(self) -> bool:
        """Tell whether the group's coordinator answers."""
        return self.thread.has_coordinator

    async def refresh_topics(self) -> None:
        """Have the group join again if a topic that it reads has come, gone or grown."""
        await self.thread.run(refresh_topics)

    def stable_end(self, tp: TP) -> int:
        """Return up to where a partition can be read, as far as its last fetch knows; 0 before the first."""
        return self.thread.stable_end(tp)

    def last_end(self, tp: TP) -> int:
        """Return where a partition ends, with what open transactions hold up; 0 before the first fetch."""
        return self.thread.last_end(tp)

    @property
    def thread(self) -> BatchConsumerThread:
        """The thread that holds the group membership."""
        return cast("BatchConsumerThread", self._thread)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def is_batched(self, tp: TP) -> bool:
        """Tell whether the engine, and not Faust, looks after this partition."""
        return tp.topic in self.engine.topology.sources

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._drain_next()
        except RuntimeError:  # the thread has ended
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not fetcher.should_stop:
                self.engine.on_bug(TaskEnded("fetching of batches was cancelled; expected it to go on"))
            # Amid a rebalance Faust takes it for a restart of the fetcher, and crashes the worker.
            if not self.app.should_stop:
                raise

    async def _drain_next(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        ordinary = {tp for tp in self._get_active_partitions() if not self.is_batched(tp)}
        batched = self._in_turn(self.engine.assignment.accepting())
        if batched or ordinary:
            await self._drain_once(batched, ordinary)
        else:
            await self.engine.capacity.wait_a_while()

    def _in_turn(self, batched: dict[TP, Partition]) -> dict[TP, Partition]:
        """Let every partition be the first in its turn."""
        self._turn += 1
        tps = list(batched)
        first = self._turn % max(len(tps), 1)
        return {tp: batched[tp] for tp in tps[first:] + tps[:first]}

    async def _drain_once(self, batched: dict[TP, Partition], ordinary: AbstractSet[TP]) -> None:
        thread, assignment, session = self.thread, self.engine.assignment, self.engine.assignment.session
        is_any_full = len(batched) < assignment.unpaused
        options = FetchOptions(
            DRAIN_BESIDE_FULL_SECONDS if is_any_full else DRAIN_SECONDS,
            self.engine.checkpoint_timer.gather_seconds if self._gathers else 0.0,
        )
        drained = await thread.in_thread(
            thread.fetch(
                {tp: self.engine.batch_sizes.records(tp.topic) for tp in batched},
                ordinary,
                options,
                # A session ends before the next one seeks, so this call takes nothing behind that seek.
                lambda: assignment.session == session,
            )
        )
        self._gathers = bool(drained) or is_any_full
        await self._deliver(drained, batched)

    async def _deliver(
        self, drained: Mapping[TP, Fetched | list[ConsumerRecord]], batched: Mapping[TP, Partition]
    ) -> None:
        # All are handed out before an agent sees one: a checkpoint waits for what is.
        messages = [
            await self._message_of(tp, records, batched[tp])
            for tp, records in drained.items()
            if isinstance(records, Fetched)
        ]
        for message in filter(None, messages):
            await self.callback(message)
        for tp, records in drained.items():
            if not isinstance(records, Fetched):
                await self._deliver_records(tp, records)

    async def _message_of(self, tp: TP, fetched: Fetched, partition: Partition) -> ConsumerMessage | None:
        if self.engine.partitions.get(tp) is not partition or not partition.is_open:
            return None  # revoked, recovered or paused since: it will be read again
        source = self.engine.topology.sources[tp.topic]
        try:
            await check_offset_gap(self, partition, fetched)
            await check_truncation(self.engine.siblings, partition, fetched)
        except OffsetsWentBack as error:
            partition.is_held = True
            self.add_future(self._on_offsets_went_back(partition, error))
            return None
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning(
                "Broker does not tell what it has deleted; reading again.", topic=tp.topic, error=error
            )
            partition.let_go()
            self.add_future(self.engine.recover_again("deleted records are not known"))
            return None
        except DataflowError as error:
            self.engine.on_bug(error)
            return None
        batch = partition.deliver(source.topic.event_time, fetched)
        return None if batch is None else self._as_message(tp, batch)

    async def _on_offsets_went_back(self, partition: Partition, error: OffsetsWentBack) -> None:
        """Recover partitions whose source is another one, as its stream pauses then; else pause it here."""
        engine = self.engine
        try:
            await check_same(engine.producer.current, [partition], engine.topology.changelogs)
        except TopicMadeAnew:
            await engine.recover_again(MADE_ANEW)
        except (KafkaError, OSError, TimeoutError):
            partition.is_held = False  # the next fetch asks again
        else:
            await pause_begun_anew(engine, partition, error.end, str(error))

    def _as_message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        generation = self.app.consumer_generation_id
        place = tp.topic, tp.partition, batch.end - 1, batch.newest_ms / 1000
        value = cast("bytes", batch)  # Faust only hands it on
        return ConsumerMessage(*place, 0, None, None, value, None, 0, 0, tp, generation_id=generation)

    async def _deliver_records(self, tp: TP, records: list[ConsumerRecord]) -> None:
        """Ordinary topics, one message a record, as Faust does it."""
        generation = self.app.consumer_generation_id
        for record in records:
            if not self.flow_active or generation != self.app.consumer_generation_id:
                return  # a rebalance: Faust seeks back to what is committed
            read = self._read_offset[tp]
            if read is None or record.offset >= read:
                if read and record.offset - read > 1 and self.app.topics.acks_enabled_for(tp.topic):
                    await self._add_gap(tp, read + 1, record.offset)
                await self.wait_first(self.callback(self._to_message(tp, record)), self.suspend_flow.wait())
                if self.flow_active:
                    self._read_offset[tp] = record.offset

    @property
    def changelog_format(self) -> int:
        """What is written to changelogs: the latest format that all members read."""
        return cast("Assignor", self.app.assignor).changelog_format

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Write what is finished before partitions are revoked; Faust forgets offsets first."""
        self.is_joining = True
        self.stop_flow()
        self.app.flow_control.suspend()  # streams skip what they have not begun
        await self._watch.on_revoked(len(revoked))
        await self.engine.revoke()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Do what Faust does; `perform_seek` follows."""
        self.is_joining = False
        await super().on_partitions_assigned(assigned, generation_id)
        self._watch.on_assigned(len(assigned))
        self.engine.checkpoint_timer.pace.members = cast("Assignor", self.app.assignor).members
        if not assigned:
            self.engine.on_nothing_assigned()

    async def perform_seek(self) -> None:
        """Recover the partitions; Faust's recovery calls this between an assignment and the first message."""
        try:
            async with asyncio.timeout(SEEK_LIMIT_SECONDS):
                await super().perform_seek()
        except (KafkaError, TimeoutError) as error:  # raising here would end the worker
            if type(error) is not type(self.engine.lifecycle.error):
                log.warning("Cannot read committed offsets; trying again.", error=error)
            self.engine.lifecycle.wait("committed offsets", error)
        await self.engine.recover({tp for tp in self.assignment() if self.is_batched(tp)})

    async def wait_empty(self) -> None:
        """Drain the engine; Faust calls this before it stops, and at the end of a revocation."""
        await self.engine.drain()
        await super().wait_empty()
