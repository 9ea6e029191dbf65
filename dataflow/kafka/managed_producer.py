"""The worker's producer over its life: started, replaced after an error, stopped within a time."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, NodeNotReadyError

from dataflow.errors import Misconfigured
from dataflow.kafka.producers import TransactionalProducer, plain_producer
from dataflow.logs import get_log

log = get_log(__name__)

LONGEST_PAUSE_SECONDS = 5.0


class ManagedProducer:
    """Holds the one producer of a worker; `ready` is set while there is one that works.

    A producer is never used again after an error: aborting is left to the next one with
    its id, whose start ends whatever transaction is open.
    """

    def __init__(
        self,
        connection: Mapping[str, object],
        compression: str | None,
        *,
        transactional: bool,
        stop_seconds: float,
    ) -> None:
        self._connection = connection
        self._compression = compression
        self._transactional = transactional
        self._stop_seconds = stop_seconds
        self.ready = asyncio.Event()
        self.transactional_id = ""
        self._current: AIOKafkaProducer | None = None

    @property
    def current(self) -> AIOKafkaProducer:
        """The producer; only while `ready`."""
        assert self._current is not None
        return self._current

    async def start(self, transactional_id: str) -> None:
        """Start the first producer; raise `Misconfigured` when the broker cannot do transactions."""
        self.transactional_id = transactional_id
        producer = self.new(transactional_id)
        try:
            await producer.start()
        except (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError) as error:
            log.warning("Broker has gone away; trying again.", error=error)
            self._current = producer
            await self.replace(lambda: False)
            return
        except KafkaError as error:
            await self._stop(producer)
            raise Misconfigured(
                f"broker {self._connection['bootstrap_servers']} has answered {error!r} to a producer with "
                f"transactional id {transactional_id}; expected a broker with transactions, "
                "or DATAFLOW_DELIVERY=at_least_once"
            ) from error
        self._current = producer
        self.ready.set()

    def new(self, transactional_id: str) -> AIOKafkaProducer:
        """Return a producer that is not started."""
        if self._transactional:
            return TransactionalProducer(self._connection, transactional_id, self._compression)
        return plain_producer(self._connection, self._compression)

    async def replace(self, should_stop: Callable[[], bool]) -> None:
        """Stop the producer, and start another as soon as the broker lets us; waits with backoff."""
        self.ready.clear()
        await self._stop(self.current)
        pause = 0.2
        while not should_stop():
            await asyncio.sleep(pause)
            producer = self.new(self.transactional_id)
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("Broker is away; trying again.", error=error)
                await self._stop(producer)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self._current = producer
                self.ready.set()
                return

    async def end_transaction_of(self, transactional_id: str) -> None:
        """End the transaction that another worker left open: a producer with its id does that at once.

        A wrong guess costs that worker one restart of its session, never correctness.
        """
        log.warning("Ending an open transaction.", transactional_id=transactional_id)
        producer = self.new(transactional_id)
        try:
            await producer.start()
        finally:
            await self._stop(producer)

    async def stop(self) -> None:
        """Stop the producer, if there is one."""
        self.ready.clear()
        if self._current is not None:
            await self._stop(self._current)

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        try:
            # It would wait for ever for batches that a dead broker does not take.
            await asyncio.wait_for(producer.stop(), self._stop_seconds)
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("Producer did not stop in time.", error=error)
