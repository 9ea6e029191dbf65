"""Group watch: notices when a worker can be no member of its group, and ends it or says what it waits for."""

import asyncio
from time import monotonic

from mode import Service

from dataflow.engine.consumer_thread import BatchConsumerThread
from dataflow.engine.engine import Engine
from dataflow.engine.lifecycle import THE_GROUP
from dataflow.engine.membership import Moment
from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.coordination import refusal_of
from dataflow.logs import get_log

log = get_log(__name__)

PAUSE_SECONDS = 1.0
SILENT_SECONDS = 10.0
SILENT_TIMES = 3  # a process that was frozen finds one timeout that is none


class ConsumerThreadSilent(DataflowError):
    """The thread that holds the membership does not answer: partitions would be lost without a word."""


class GroupWatch(Service):
    """Asks the consumer's thread every second what its coordinator has answered.

    aiokafka stops coordinating at an error until somebody takes it; nobody else does.
    """

    def __init__(self, thread: BatchConsumerThread, engine: Engine) -> None:
        super().__init__(loop=engine.loop, beacon=engine.beacon)
        self._thread = thread
        self._engine = engine
        self._said = ""
        self._has_joined = False
        self._lost: tuple[float, int] | None = None
        """When the group was lost, and how many partitions with it."""

    async def on_revoked(self, partitions: int) -> None:
        """Give partitions up at once if the group has lost this member: nothing of them can be committed."""
        if self._has_joined and self._thread.has_lost_group:
            self._lost = monotonic(), partitions
            self._engine.assignment.end(retain=True)
            await self._check_membership(Moment.LOST)

    def on_assigned(self, partitions: int) -> None:
        """Say what a lost session has cost; ask, the first time, who else has joined."""
        if not self._has_joined:
            self._has_joined = True
            self.add_future(self._check_membership(Moment.JOINED))
        again, self._engine.assignment.read_again = self._engine.assignment.read_again, 0
        if self._lost is not None:
            (since, lost), self._lost = self._lost, None
            log.warning(
                "Worker had lost its group and has joined again; no record is written twice.",
                join_seconds=round(monotonic() - since, 1),
                lost_partitions=lost,
                partitions=partitions,
                records_read_again=again,
            )

    async def _check_membership(self, moment: Moment) -> None:
        try:
            await self._engine.membership.check(moment)
        except Misconfigured as error:
            self._thread.drop_instance_id()
            await self._engine.stop_worker(error)

    @Service.task
    async def _watch(self) -> None:
        silent = 0
        while not self.should_stop and silent < SILENT_TIMES:
            await self.sleep(PAUSE_SECONDS)
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    await self._look()
                silent = 0
            except TimeoutError:
                silent += 1
            except RuntimeError:  # its loop is closed
                break
        if not self.should_stop:
            await self._engine.stop_worker(ConsumerThreadSilent("consumer's thread does not answer any more"))

    async def _look(self) -> None:
        error, has_ended = await self._thread.coordination_error()
        if error is None or self.should_stop:
            return
        conf = self._engine.app.conf
        session_ms = int(conf.broker_session_timeout * 1000)
        refusal = await refusal_of(error, self._engine.options.connection, conf.id, session_ms)
        if refusal is not None or has_ended:
            await self._engine.stop_worker(refusal or error)
            return
        self._engine.lifecycle.wait(THE_GROUP, error)
        if repr(error) != self._said:
            self._said = repr(error)
            log.warning("Group is not joined; trying again.", group=conf.id, error=error)
