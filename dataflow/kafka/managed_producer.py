"""The worker's producer over its life: started, replaced after an error, stopped within a time."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka.client import AIOKafkaClient

from dataflow.errors import Misconfigured
from dataflow.kafka.clients import backoff, drop, start
from dataflow.kafka.errors import BROKER_AWAY, DENIED, KafkaError
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.refusals import explain
from dataflow.logs import get_log

log = get_log(__name__)


class ManagedProducer:
    """Holds the one producer of a worker; `ready` is set while there is one that works.

    A producer is never used again after an error: aborting is left to the next one with
    its id, whose start ends whatever transaction is open.
    """

    def __init__(self, connection: Mapping[str, object], compression: str | None) -> None:
        self._connection = connection
        self._compression = compression
        self.ready = asyncio.Event()
        self.transactional_id = ""
        self.error: BaseException | None = None
        """Why there is none that works."""
        self._current: TransactionalProducer | None = None

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
        self.transactional_id = transactional_id
        producer = self.new(transactional_id)
        try:
            await _start(producer)
        except BROKER_AWAY + DENIED as error:
            reason = await explain(error, self._connection)
            log.warning("Producer cannot begin; trying again.", error=reason)
            self._current, self.error = producer, error
            await self.replace(lambda: False)
            return
        except KafkaError as error:
            raise Misconfigured(
                f"broker {self._connection['bootstrap_servers']} has answered {error!r} to a producer with "
                f"transactional id {transactional_id}; expected a broker with transactions"
            ) from error
        self._current = producer
        self.ready.set()

    def new(self, transactional_id: str) -> TransactionalProducer:
        """Return a producer that is not started."""
        return TransactionalProducer(self._connection, transactional_id, self._compression)

    async def replace(self, should_stop: Callable[[], bool]) -> None:
        """Drop the producer, and start another as soon as the broker lets us; waits with backoff."""
        self.ready.clear()
        await drop(self.current)
        for pause in backoff():
            await asyncio.sleep(pause)
            if should_stop():
                return
            producer = self.new(self.transactional_id)
            try:
                await _start(producer)
            except (KafkaError, OSError) as error:
                if type(error) is not type(self.error):
                    reason = await explain(error, self._connection)
                    log.warning("Producer cannot begin; trying again.", error=reason)
                self.error = error
            else:
                self._current, self.error = producer, None
                self.ready.set()
                return

    async def end_transaction_of(self, transactional_id: str) -> None:
        """End the transaction that another worker left open: a producer with its id does that at once.

        A wrong guess costs that worker one restart of its session, never correctness.
        """
        log.warning("Ending an open transaction.", transactional_id=transactional_id)
        producer = self.new(transactional_id)
        await _start(producer)
        await drop(producer)

    async def stop(self) -> None:
        """Stop the producer, if there is one; what it was writing is not committed."""
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
