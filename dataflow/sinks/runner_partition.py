"""One partition of a sink: record batches in; gathered, stored, and then committed."""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from dataflow.engine.checkpoint_errors import NO_MEMBER
from dataflow.engine.dead_letters import DeadLetter, DeadLetterLimit, TooManyDeadLetters
from dataflow.errors import SinkUnavailable
from dataflow.kafka.offset_fetch import stable_offsets
from dataflow.logs import get_log
from dataflow.sinks.contract import Sink, SinkBatch
from dataflow.sinks.runner_commits import STABLE_SECONDS, Commits
from dataflow.sinks.runner_gather import gather
from dataflow.sinks.runner_metrics import SinkMetrics
from dataflow.sinks.runner_note import SinkNote
from dataflow.sinks.runner_options import RunnerOptions

log = get_log(__name__)

NOT_OURS = (CommitFailedError, IllegalStateError, *NO_MEMBER)
WORTH_A_RETRY = (SinkUnavailable, TooManyDeadLetters, KafkaError, OSError)
"""Time mends these, or a person does, and nothing is lost meanwhile. Any other error is a bug."""


class SinkPartition:
    """Serves one partition for as long as it is assigned; it waits for no other."""

    def __init__(
        self,
        tp: TopicPartition,
        sink: Sink,
        consumer: AIOKafkaConsumer,
        commits: Commits,
        options: RunnerOptions,
    ) -> None:
        self.tp = tp
        self.stage = f"sink-{sink.name}"
        self.note = SinkNote()
        self.committed_offset = 0
        """Everything below this offset is stored and committed."""
        self.consumed = 0
        """Everything below this offset is with the sink, which may still gather it."""
        self.oldest_ms: int | None = None
        """When the oldest record that is not with the sink came to Kafka; None: none is known."""
        self._sink, self._consumer, self._commits, self._options = sink, consumer, commits, options
        self._metrics = SinkMetrics(sink.name)
        self._leaving = asyncio.Event()
        self._limit = DeadLetterLimit(
            options.dead_letter_max_consecutive,
            options.dead_letter_max_ratio,
            options.dead_letter_ratio_window,
        )
        self._held: list[DeadLetter] = []

    def leave(self) -> None:
        """Take no more: what is being written may end, an outage is not waited for."""
        self._leaving.set()

    async def serve(self) -> None:
        """Store batch by batch until told to leave, or until the group has given the partition away."""
        try:
            await self._persist(self._take_up)
            while not self._leaving.is_set():
                batch = await gather(self._consumer, self.tp, self._options, self._leaving)
                if batch is not None:
                    await self._pass_on(batch)
        except NOT_OURS as error:
            log.info(
                "Partition has gone to another worker.",
                sink=self._sink.name, topic=self.tp.topic, partition=self.tp.partition, error=error,
            )  # fmt: skip

    async def _take_up(self) -> None:
        group = self._options.group_of(self._sink.name)
        committed = await stable_offsets(self._consumer._client, group, [self.tp], STABLE_SECONDS)  # noqa: SLF001  # waits for pending transactions, unlike the consumer
        if committed[self.tp] >= 0:
            self._consumer.seek(self.tp, committed[self.tp])
        self.committed_offset = self.consumed = await self._consumer.position(self.tp)

    async def _pass_on(self, batch: SinkBatch) -> None:
        """Store a batch, then commit; only then is the next one taken."""
        # Records that the sink still buffers come before a batch of mere transaction marks.
        end = self.committed_offset if self.consumed > self.committed_offset else batch.end
        if batch.records:
            self.oldest_ms = batch.records[0].timestamp
            stored = await self._persist(lambda: self._write(batch))
            if stored is None:
                return
            end = stored
        self.consumed = batch.end
        await self._persist(lambda: self._commit(end))
        if batch.end >= (self._consumer.last_stable_offset(self.tp) or 0):
            self.oldest_ms = None

    async def _write(self, batch: SinkBatch) -> int:
        began = time.monotonic()
        stored = await self._sink.write(batch)
        dead = [DeadLetter(rejected.record, self.stage, rejected.fault) for rejected in stored.rejected]
        self._check_share(batch, dead)
        self._held += dead
        self._metrics.writing_seconds.inc(time.monotonic() - began)
        self._metrics.stored.inc(len(batch.records) - len(dead))
        self._metrics.rejected.inc(len(dead))
        return stored.end

    def _check_share(self, batch: SinkBatch, dead: list[DeadLetter]) -> None:
        limit = copy.copy(self._limit)  # the same batch comes again
        limit.check(self.tp, len(batch.records), dead, ends_dead=len(dead) == len(batch.records))
        self._limit = limit

    async def _commit(self, end: int) -> None:
        end = max(end, self.committed_offset)
        note = self.note.succeeded(self.consumed if self.consumed > end else None)
        if end == self.committed_offset and note == self.note:
            return
        dead = [letter for letter in self._held if letter.record.offset < end]
        await self._commits.commit(self.tp, end, note, dead)
        self.committed_offset, self.note, self._held = end, note, self._held[len(dead) :]

    async def _persist(self, step: Callable[[], Awaitable[int | None]]) -> int | None:
        """Return what the step returns; try it again, after a pause, until it does or we leave (None)."""
        for pause in self._options.pauses():
            try:
                return await step()
            except NOT_OURS:
                raise
            except WORTH_A_RETRY as error:
                await self._tell(error, pause)
            if await self._left_within(pause):
                return None
        raise AssertionError("pauses() has no end")

    async def _tell(self, error: Exception, pause: float) -> None:
        """Log a failed try, and write it down where everybody can see it."""
        log.warning(
            "Sink fails, nothing is lost; trying again.",
            sink=self._sink.name, topic=self.tp.topic, partition=self.tp.partition,
            wait_seconds=pause, error=error,
        )  # fmt: skip
        self._metrics.failed_tries.inc()
        self.note = self.note.failed(error, time.time_ns() // 1_000_000)
        try:
            await self._commits.commit(self.tp, self.committed_offset, self.note, ())
        except (KafkaError, OSError) as fault:
            log.warning("State of a sink cannot be stored.", sink=self._sink.name, error=fault)

    async def _left_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return False
        return True
