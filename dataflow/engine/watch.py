"""Watch: sees whether a worker gets on, and says again and again why it does not."""

from typing import Any

from mode import Service

from dataflow.engine.engine import Engine
from dataflow.engine.pauses import REMINDER_SECONDS
from dataflow.kafka.clients import is_reachable
from dataflow.logs import get_log

log = get_log(__name__)

POLL_SECONDS = 1.0


class Watch(Service):
    """Looks at an engine once a second, from before its start; what it finds, probes and the log tell."""

    def __init__(self, engine: Engine, **service: Any) -> None:
        super().__init__(**service)
        self._engine = engine
        self._told_at = 0.0

    @property
    def obstacle(self) -> str | None:
        """Why the worker does none of its work; None: it does."""
        engine = self._engine
        if not engine.lifecycle.is_running:
            return str(engine.lifecycle)
        if not engine.is_ready:
            return (
                f"running without its broker: the coordinator of group {engine.app.conf.id} does not answer"
            )
        topics = engine.assignment.topics
        pauses = [pause for topic in sorted(topics) if (pause := engine.pauses.get(topic))]
        if pauses and len(pauses) == len(topics):
            return f"paused in all its streams: {pauses[0].detail}; it waits for {pauses[0].awaited}"
        return None

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
            await self._judge()

    def _remind(self) -> None:
        obstacle, now = self.obstacle, self.loop.time()
        if obstacle is None:
            self._told_at = now
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
            partition.position > partition.committed
            or (partition.pause is None and engine.group.stable_end(tp) > partition.position)
            for tp, partition in engine.partitions.items()
        )
