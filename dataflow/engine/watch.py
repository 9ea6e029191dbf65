"""Watch: sees whether a worker gets on, and says again and again why it does not."""

from contextlib import suppress
from typing import Any

from mode import Service

from dataflow.engine.engine import Engine
from dataflow.engine.pauses import REMINDER_SECONDS
from dataflow.engine.topic_identity import MADE_ANEW, TopicMadeAnew, check_same
from dataflow.kafka.clients import is_reachable
from dataflow.kafka.connection import principal_of
from dataflow.kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TransactionalIdAuthorizationFailed,
)
from dataflow.kafka.open_transactions import OpenTransactions
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

POLL_SECONDS = 1.0
LOOK_SECONDS = 5.0


class Watch(Service):
    """Looks at an engine once a second, from before its start; what it finds, probes and the log tell."""

    def __init__(self, engine: Engine, **service: Any) -> None:
        super().__init__(**service)
        self._engine = engine
        self._told_at: float | None = None
        self._denial: str | None = None
        self._open_transactions = OpenTransactions()

    @property
    def obstacle(self) -> str | None:
        """Why the worker does none of its work; None: it does."""
        engine = self._engine
        if error := self._denied():
            return f"{engine.lifecycle.state} and not allowed to go on: {error}"
        if not engine.lifecycle.is_running:
            return str(engine.lifecycle)
        if not engine.is_ready:
            return (
                f"running without its broker: the coordinator of group {engine.app.conf.id} does not answer"
            )
        topics = engine.assignment.topics
        paused = [pause for topic in sorted(topics) if (pause := engine.pauses.get(topic))]
        if paused and len(paused) == len(topics):
            return f"paused in all its streams: {paused[0].detail}; it waits for {paused[0].awaited}"
        return None

    def _denied(self) -> str | None:
        """Return which right the worker as a whole lacks."""
        engine, principal = self._engine, principal_of(self._engine.options.connection)
        errors = (engine.producer.error, engine.lifecycle.error)
        if any(isinstance(error, TransactionalIdAuthorizationFailed) for error in errors):
            wanted = f"operation WRITE on transactional id {engine.producer.transactional_id}"
        elif any(isinstance(error, GroupAuthorizationFailedError) for error in errors):
            wanted = f"operation READ on group {engine.app.conf.id}"
        else:
            return None
        return f"{principal} is denied {wanted}; it waits for an ACL that allows it"

    @property
    def is_stalled(self) -> bool:
        """Tell whether there is something to do, and neither recovery nor a checkpoint gets on with it."""
        return self._engine.lifecycle.idle_seconds > self._engine.options.stall_seconds + 2 * POLL_SECONDS

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(POLL_SECONDS)
            self._engine.pauses.remind(self._engine.assignment.topics)
            self._remind()
            self._open_transactions.remind(self._ends())
            await self._judge()

    @Service.task
    async def _watch_topics(self) -> None:
        """Look at the topics every few seconds, and at once when a checkpoint takes long."""
        looked_at = self.loop.time()
        was_writing = None
        while not self.should_stop:
            await self.sleep(POLL_SECONDS)
            writing = self._engine.write_deadline.timeout
            is_slow, was_writing = writing is not None and writing is was_writing, writing
            if is_slow or self.loop.time() - looked_at >= LOOK_SECONDS:
                looked_at = self.loop.time()
                with suppress(KafkaError, OSError, TimeoutError):  # next time, then
                    await self._look_at_topics()

    async def _look_at_topics(self) -> None:
        engine = self._engine
        if not engine.producer.ready.is_set():
            return
        before = engine.pauses.unwritable
        await engine.inspector.inspect()
        if engine.pauses.unwritable - before or engine.inspector.has_lost_dead_letters:
            engine.write_deadline.move_to(self.loop.time())  # it would wait for them for a minute
        if engine.inspector.has_changed:
            await engine.group.refresh_topics()
            engine.inspector.has_changed = False
        try:
            await check_same(engine.producer.current, engine.partitions.values(), engine.topology.changelogs)
        except TopicMadeAnew:
            await engine.recover_again(MADE_ANEW)
        if engine.lifecycle.is_running:
            assigned = {tp for tp in engine.app.consumer.assignment() if tp.topic in engine.topology.sources}
            if any(engine.inspector.can_recover(tp) for tp in assigned - engine.partitions.keys()):
                await engine.recover_again("topics have changed")

    def _ends(self) -> dict[TopicPartition, tuple[int, int]]:
        group, tps = self._engine.group, self._engine.partitions
        return {TopicPartition(*tp): (group.stable_end(tp), group.last_end(tp)) for tp in tps}

    def _remind(self) -> None:
        obstacle, now = self.obstacle, self.loop.time()
        denied = self._denied()
        if denied is not None and denied != self._denial:  # the right that is missing is named at once
            self._told_at, self._denial = now, denied
            log.warning("Worker is not ready.", reason=obstacle)
        elif obstacle is None or self._told_at is None:
            self._told_at, self._denial = now, None
        elif now - self._told_at >= REMINDER_SECONDS:
            self._told_at = now
            log.warning("Worker is not ready.", reason=obstacle)

    async def _judge(self) -> None:
        """Let time run against the worker only while it has work, and a broker to do it with."""
        lifecycle, options = self._engine.lifecycle, self._engine.options
        if not self._has_work() or (
            lifecycle.idle_seconds > options.stall_seconds and not await is_reachable(options.connection)
        ):
            lifecycle.note_progress()

    def _has_work(self) -> bool:
        engine = self._engine
        if not engine.lifecycle.is_running:
            return True
        return any(
            (partition.position > partition.committed and partition.can_write)
            or (partition.pause is None and engine.group.stable_end(tp) > partition.position)
            for tp, partition in engine.partitions.items()
        )
