"""Sink partition: reads, stores and commits one partition of a sink, batch by batch."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from dataflow.engine.dead_letters import RejectedRecord, TooManyDeadLetters
from dataflow.errors import SinkUnavailable
from dataflow.kafka.errors import NO_MEMBER, CommitFailedError, IllegalStateError, KafkaError
from dataflow.kafka.fetch import Fetched, drain
from dataflow.kafka.leader_epochs import NO_EPOCH
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.contract import SinkBatch, WriteResult
from dataflow.sinks.runner_commits import Commits
from dataflow.sinks.runner_metrics import SinkMetrics
from dataflow.sinks.runner_note import SinkNote
from dataflow.sinks.runner_position import SinkPosition

log = get_log(__name__)

IDLE_SECONDS = 0.2  # between two checks of whether to drain

Write = Callable[[SinkBatch], Awaitable[WriteResult]]

REVOKED = (CommitFailedError, IllegalStateError, *NO_MEMBER)
RETRIABLE = (SinkUnavailable, TooManyDeadLetters, KafkaError, OSError)
"""These end by themselves or after a person has helped, and nothing is lost meanwhile. Others are bugs."""


class SinkPartition:
    """Serves one partition while it is assigned, independently of all others."""

    def __init__(
        self, tp: TopicPartition, sink: str, write: Write, commits: Commits, options: RunnerOptions
    ) -> None:
        self.tp = tp
        self.position = SinkPosition(tp, commits)
        self.oldest_ms: int | None = None
        """When the oldest record that the sink has not consumed came to Kafka; None: none is known."""
        self.begins_anew = False
        """Whether there is another log: this one ends, and another begins with it."""
        self._epoch: int | None = None  # of the last record that was fetched
        self._sink, self._sink_write, self._options = sink, write, options
        self._consumer = commits.consumer
        self._metrics = SinkMetrics(sink)
        self._draining = asyncio.Event()
        self._limit = options.dead_letter_limit
        self._pending: list[RejectedRecord] = []

    @property
    def note(self) -> SinkNote:
        """How the sink fares with this partition."""
        return self.position.note

    @property
    def committed_offset(self) -> int:
        """Everything below this offset is stored and committed; 0 until that is known."""
        return self.position.committed_offset or 0

    def begin_anew(self) -> None:
        """End, as the topic was created again or has lost records; another one is to begin with its log."""
        self.begins_anew = True
        self.drain()

    def drain(self) -> None:
        """Take no more batches: a write in progress may end, but is not retried."""
        self._draining.set()

    async def serve(self) -> None:
        """Store batch by batch until the partition is drained or assigned to another worker."""
        try:
            await self._retry(self.position.find)
            while not self._draining.is_set():
                batch = await self._gather()
                if batch is not None:
                    await self._store(batch)
        except REVOKED as error:
            log.info(
                "Partition of a sink has moved to another worker.",
                sink=self._sink, topic=self.tp.topic, partition=self.tp.partition, error=error,
            )  # fmt: skip

    async def _gather(self) -> SinkBatch | None:
        """Return the next batch once it is full or has waited long enough; None while draining.

        The batch has no records if the log holds nothing but markers of transactions.
        """
        options, records = self._options, list[Record]()
        size, end, full_at = 0, -1, 0.0
        while not self._draining.is_set():
            wanted = options.batch_records - len(records)
            wait_seconds = full_at - monotonic() if records else IDLE_SECONDS
            if end >= 0 and (not records or wanted <= 0 or size >= options.batch_bytes or wait_seconds <= 0):
                return SinkBatch(self.tp, records, end, self.position.log_id)
            fetched = (await drain(self._consumer, [self.tp], wanted, wait_seconds)).get(self.tp)
            if fetched is None:
                continue
            if not await self._continues(fetched, max(end, self.position.consumed)):
                return None
            if not records:
                full_at = monotonic() + options.linger_seconds
            new = [record for record_slice in fetched.slices for record in record_slice.records]
            records += new
            size += sum(len(record.value or b"") for record in new)
            end = fetched.end
        return None

    async def _continues(self, fetched: Fetched, position: int) -> bool:
        """Tell whether what was fetched is of the log that was read up to a position; begin anew if not.

        Only another leader can lack some of it, and each has another epoch.
        """
        known = self.position.leader_epoch if self._epoch is None else self._epoch
        is_same = known is None or fetched.first_epoch in (NO_EPOCH, known)
        is_doubtful = fetched.first < position or not is_same
        if is_doubtful and await self._retry(lambda: self.position.is_of_another_log(position, known)):
            self.begin_anew()
            return False
        if fetched.last_epoch != NO_EPOCH:
            self._epoch = fetched.last_epoch
        return True

    async def _store(self, batch: SinkBatch) -> None:
        """Store a batch, then commit it; the next one is read after that."""
        # Records that the sink still buffers come before a batch of mere transaction marks.
        end = self.committed_offset if self.position.consumed > self.committed_offset else batch.end
        if batch.records:
            self.oldest_ms = batch.records[0].timestamp
            stored_below = await self._retry(lambda: self._write(batch))
            if stored_below is None:
                return
            end = stored_below
        self.position.consumed, self.position.leader_epoch = batch.end, self._epoch
        await self._retry(lambda: self._commit(end))
        if batch.end >= (self._consumer.last_stable_offset(self.tp) or 0):
            self.oldest_ms = None

    async def _write(self, batch: SinkBatch) -> int:
        began = monotonic()
        result = await self._sink_write(batch)
        stage = f"sink-{self._sink}"
        dead = [RejectedRecord(rejected.record, stage, rejected.fault) for rejected in result.rejected]
        limit = copy.copy(self._limit)  # the same batch comes again
        limit.check(self.tp, len(batch.records), dead, ends_dead=len(dead) == len(batch.records))
        self._limit = limit
        self._pending += dead
        self._metrics.writing_seconds.inc(monotonic() - began)
        self._metrics.stored.inc(len(batch.records) - len(dead))
        self._metrics.rejected.inc(len(dead))
        return result.end

    async def _commit(self, end: int) -> None:
        dead = [letter for letter in self._pending if letter.record.offset < end]
        if await self.position.commit(end, dead):
            del self._pending[: len(dead)]

    async def _retry(self, step: Callable[[], Awaitable[int | None]]) -> int | None:
        """Return what the step returns; retry it after pauses. Returns None when draining."""
        for pause in self._options.pauses():
            try:
                return await step()
            except REVOKED:
                raise
            except RETRIABLE as error:
                await self._report(error, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._draining.wait(), pause)
                return None
        raise AssertionError("pauses() has no end")

    async def _report(self, error: Exception, pause: float) -> None:
        """Log a failed attempt, and note it beside the committed offset."""
        log.warning("Sink fails; retrying.", sink=self._sink, wait_seconds=round(pause, 1), error=error)
        self._metrics.failed_tries.inc()
        try:
            await self.position.note_failure(error)
        except (KafkaError, OSError) as fault:
            log.warning("Note of a sink cannot be committed.", sink=self._sink, error=fault)
