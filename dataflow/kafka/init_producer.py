"""InitProducerId: lets a producer begin once the last transaction of its id has ended, if it ever does."""

from time import monotonic

import aiokafka.errors as kafka_errors
from aiokafka.producer.sender import InitPIDHandler, Sender
from aiokafka.protocol.api import Response

from dataflow.kafka.errors import TransactionHeldUp

HELD_UP_SECONDS = 10.0


class _NotedInitPID(InitPIDHandler):
    """Notes whether the broker is still ending the last transaction; aiokafka asks again and again."""

    is_ending = False

    def handle_response(self, response: Response) -> object:
        """Note it, and do what aiokafka does."""
        self.is_ending = kafka_errors.for_code(response.error_code) is kafka_errors.ConcurrentTransactions
        return super().handle_response(response)


class PatientSender(Sender):
    """aiokafka's sender, which gives up a transactional id whose last transaction cannot be ended."""

    _ending_since: float | None = None

    async def _do_init_pid(self, node_id: int) -> object:
        """Ask once; raise `TransactionHeldUp` when the broker has been ending a transaction for too long.

        How it ends is decided, and is not written to a partition that has no leader.
        """
        handler = _NotedInitPID(self)
        is_begun = await handler.do(node_id)
        if not handler.is_ending:
            self._ending_since = None
        elif self._ending_since is None:
            self._ending_since = monotonic()
        elif monotonic() - self._ending_since > HELD_UP_SECONDS:
            raise TransactionHeldUp(self._txn_manager.transactional_id)
        return is_begun
