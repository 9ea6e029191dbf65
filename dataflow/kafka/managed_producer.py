"""The worker's producer over its life: started, replaced after an error, stopped within a time."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TypeVar

from aiokafka.client import AIOKafkaClient

from dataflow.errors import Misconfigured
from dataflow.kafka.clients import backoff, drop, start
from dataflow.kafka.errors import BROKER_AWAY, DENIED, KafkaError, TransactionHeldUp
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.refusals import explain
from dataflow.logs import get_log

log = get_log(__name__)

T = TypeVar("T")


class ManagedProducer:
    """Holds the one producer of a worker; `ready` is set while there is one that works.

    A producer is never used again after an error: aborting is left to the next one with
    its id, whose start ends whatever transaction is open.
    """

    def __init__(self, connection: Mapping[str, object], compression: str | None) -> None:
        self._connection = connection
        self._compression = compression
        self.ready = asyncio.Event()
        self.transactional_id = self._first_id = ""
        self._number = 1
        self.error: BaseException | None = None
        """Why there is none that works."""
        self._current: TransactionalProducer | None = None
        self._stopping = asyncio.Event()

    @property
    def client(self) -> AIOKafkaClient | None:
        """The connections of the producer that works; None while none does."""
        return self.current.client if self.ready.is_set() else None

    @property
    def current(self) -> TransactionalProducer:
        """The producer; only while `ready`."""
        assert self._current is not None
        return self._current

    async def start(self, transactional_id: str) -> None:
        """Start the first producer; raise `Misconfigured` when the broker cannot do transactions."""
        self.transactional_id = self._first_id = transactional_id
        producer = self.new(transactional_id)
        try:
            await self._unless_stopping(_start(producer))
        except (*BROKER_AWAY, *DENIED, TransactionHeldUp) as error:
            await self._on_failed(error)
            self._current = producer
            await self.replace(lambda: False)
            return
        except KafkaError as error:
            raise Misconfigured(
                f"broker {self._connection['bootstrap_servers']} has answered {error!r} to a producer with "
                f"transactional id {transactional_id}; expected a broker with transactions"
            ) from error
        await self._adopt(producer)

    def new(self, transactional_id: str) -> TransactionalProducer:
        """Return a producer that is not started."""
        return TransactionalProducer(self._connection, transactional_id, self._compression)

    async def replace(self, should_stop: Callable[[], bool]) -> None:
        """Drop the producer, and start another as soon as the broker lets us; waits with backoff."""
        self.ready.clear()
        await drop(self.current)
        for pause in backoff():
            await self._unless_stopping(asyncio.sleep(pause))
            if should_stop() or self._stopping.is_set():
                return
            producer = self.new(self.transactional_id)
            try:
                await self._unless_stopping(_start(producer))
            except (KafkaError, OSError) as error:
                await self._on_failed(error)
            else:
                await self._adopt(producer)
                return

    async def _adopt(self, producer: TransactionalProducer) -> None:
        if self._stopping.is_set():
            await drop(producer)
        else:
            self._current, self.error = producer, None
            self.ready.set()

    async def end_transaction_of(self, transactional_id: str) -> None:
        """End the transaction that another worker left open: a producer with its id does that at once.

        A wrong guess costs that worker one restart of its session, never correctness.
        """
        log.warning("Ending an open transaction.", transactional_id=transactional_id)
        producer = self.new(transactional_id)
        with suppress(TransactionHeldUp):  # it is aborted, and only a partition without a leader lacks that
            await _start(producer)
            await drop(producer)

    async def _on_failed(self, error: BaseException) -> None:
        """Say why a producer cannot begin, once; take another id where the last transaction does not end.

        The group fences our offsets, whatever the id is: nothing is lost or doubled by it.
        """
        if isinstance(error, TransactionHeldUp):
            self._number += 1
            held_up, self.transactional_id = self.transactional_id, f"{self._first_id}-{self._number}"
            log.warning(
                "The last transaction does not end, as a partition has no leader; taking another id.",
                transactional_id=self.transactional_id,
                held_up=held_up,
            )
        elif type(error) is not type(self.error):  # a broker that says nothing is asked for long
            reason = await self._unless_stopping(explain(error, self._connection))
            log.warning("Producer cannot begin; trying again.", error=reason or error)
        self.error = error

    async def _unless_stopping(self, step: Coroutine[object, object, T]) -> T | None:
        """Return what a step returns; cut it off, None, once we stop."""
        task, stopped = asyncio.create_task(step), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            stopped.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    async def stop(self) -> None:
        """Stop the producer, if there is one; what it was writing is not committed."""
        self._stopping.set()
        self.ready.clear()
        if self._current is not None:
            await drop(self._current)


async def _start(producer: TransactionalProducer) -> None:
    """Start a producer; drop one that cannot start, or need not any more, for nobody else knows it."""
    try:
        await start(producer)
    except BaseException:
        await drop(producer)
        raise
