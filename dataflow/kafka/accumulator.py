"""Accumulator: the record batches of a producer; aiokafka's logs errors of those that fail."""

import asyncio

from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator, MessageBatch
from aiokafka.structs import TopicPartition


def take_error(done: asyncio.Future[object]) -> None:
    """Take the error of a future, or asyncio would complain that nobody has."""
    done.cancelled() or done.exception()


class Accumulator(MessageAccumulator):
    """Fails batches without a word in the log: whoever has sent them learns it."""

    def __init__(self, made: MessageAccumulator) -> None:
        """Take the place of the one that a producer has made and not used yet."""
        super().__init__(
            made._cluster,
            made._batch_size,
            made._compression_type,
            made._batch_ttl,
            txn_manager=made._txn_manager,
            loop=made._loop,
            linger_ms=made._linger_time * 1000,
        )
        self._pending_batches = _PendingBatches()

    def _append_batch(self, builder: BatchBuilder, tp: TopicPartition) -> MessageBatch:
        """Take its error, too: whoever waited for the batch may have been cancelled."""
        batch = super()._append_batch(builder, tp)
        batch.future.add_done_callback(take_error)
        return batch

    def fail_all(self, exception: BaseException) -> None:
        """End all batches with this error.

        Those that wait for their turn have a future of their own for whoever waits for room. Mostly
        nobody does, and asyncio logs an error that nobody has read.
        """
        super().fail_all(exception)
        for batches in self._batches.values():
            for batch in batches:
                if batch._drain_waiter.done():
                    batch._drain_waiter.exception()


class _PendingBatches(set[object]):
    """The batches that a producer is sending.

    aiokafka takes a batch out when it retries it, and once more when that one fails before its next
    try: the second time is a KeyError with a traceback in the log, one for each batch.
    """

    def remove(self, batch: object) -> None:
        """Take the batch out if it is there."""
        self.discard(batch)
