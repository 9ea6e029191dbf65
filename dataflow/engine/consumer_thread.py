"""The consumer's thread: fetches record batches, and keeps the membership of the group alive."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any, TypeVar

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from dataflow.kafka.consumers import apply_settings, has_coordinator, last_end, stable_end
from dataflow.kafka.coordination import coordination_error, drop_instance_id, has_lost_group
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.fetch import Fetched, FetchOptions, fetch
from dataflow.kafka.types import Consumer, ConsumerRecord, TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

T = TypeVar("T")

STOPPED_FLOW_PAUSE_SECONDS = 0.01
LEAVE_SECONDS = 5.0
"""A broker that says nothing would hold up the end of the worker for as long as a request may take."""


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches and keeps the group membership alive."""

    leaves_for_good = False
    """Whether a static member leaves at its end, as no other with its instance id comes back."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Consumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust takes a round-robin assignor when it has no tables; only its own tells who owns what.
        self._assignor = self.app.assignor
        apply_settings(consumer, self.app.assignor)
        return consumer

    def _stopped_set(self) -> None:
        with suppress(RuntimeError):  # after a crash it has closed its loop by itself
            super()._stopped_set()

    async def on_thread_stop(self) -> None:
        """Leave the group, if that does not take long: the group misses us otherwise after a session.

        Without a broker, aiokafka raises the cancellation of a task of its own.
        """
        if self.leaves_for_good and self._consumer is not None:
            self.drop_instance_id()
        with suppress(asyncio.CancelledError):  # else nobody would learn that the thread has ended
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await super().on_thread_stop()
            except TimeoutError:
                log.warning("Broker does not answer; the group misses this worker after its session.")

    def drop_instance_id(self) -> None:
        """Join as a dynamic member, if at all: a static one would take the place of its successor."""
        drop_instance_id(self._ensure_consumer())

    @property
    def has_coordinator(self) -> bool:
        """Tell whether the group's coordinator answers; it may be silent for half a session."""
        consumer = self._consumer
        return consumer is not None and has_coordinator(consumer)

    async def run(self, work: Callable[[Consumer], Awaitable[None]]) -> None:
        """Have something done with the consumer, in this thread."""
        if self._consumer is not None:
            await self.call_thread(work, self._consumer)

    def stable_end(self, tp: TP) -> int:
        """Return up to where a partition can be read, as far as its last fetch knows; 0 before the first."""
        return 0 if self._consumer is None else stable_end(self._consumer, TopicPartition(*tp))

    def last_end(self, tp: TP) -> int:
        """Return where a partition ends, with what open transactions hold up; 0 before the first fetch."""
        return 0 if self._consumer is None else last_end(self._consumer, TopicPartition(*tp))

    @property
    def has_lost_group(self) -> bool:
        """Tell whether the group has given this member up, which was away for longer than a session."""
        return has_lost_group(self._ensure_consumer())

    async def coordination_error(self) -> tuple[KafkaError | None, bool]:
        """Return what the coordinator has answered, and whether coordination has ended by it."""
        if self._consumer is None:
            return None, False
        return await self.in_thread(coordination_error(self._consumer))

    async def in_thread(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread's loop: mode's method queue costs five tasks a call.

        Raises RuntimeError if the thread has ended.
        """
        try:
            running = asyncio.run_coroutine_threadsafe(coroutine, self.thread_loop)
        except RuntimeError:
            coroutine.close()
            raise
        return await asyncio.wrap_future(running)

    async def fetch(
        self,
        batched: Mapping[TP, int],
        ordinary: AbstractSet[TP],
        options: FetchOptions,
        is_current: Callable[[], bool],
    ) -> Mapping[TP, Fetched | list[ConsumerRecord]]:
        """Return what has come: `Fetched` for batched partitions, lists of records for the others."""
        if not self.consumer.flow_active:
            await asyncio.sleep(STOPPED_FLOW_PAUSE_SECONDS)
            return {}
        consumer = self._ensure_consumer()
        return await fetch(consumer, batched, ordinary, options, is_current)
