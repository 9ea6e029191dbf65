"""Writes the records of many requests as common record batches.

What small bodies bring within a few milliseconds goes out together: 2,500 senders do not
make 2,500 record batches.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from dataflow.http_error import HttpError, broker_unavailable
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.producers import BATCH_BYTES, REFUSED, next_led
from dataflow.kafka.record import OutputRecord
from dataflow.kafka.record_batches import RecordBatches
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.sources.ingest_producer import IngestProducer, refused_by

log = get_log(__name__)

LINGER_SECONDS = 0.005
SHARE_OF_UNACKNOWLEDGED = 4
"""So much of the bytes in flight, a quarter, may be waiting for the broker; the rest is for bodies."""


@dataclass(slots=True, eq=False)
class PendingBatch:
    """Records of one topic that go out together; `done` is set when the broker has them all."""

    topic: str
    done: asyncio.Future[None]
    records: list[OutputRecord] = field(default_factory=list)
    size: int = 0


class BatchingProducer:
    """Writes records; `unacknowledged_bytes` is what the broker has not answered for."""

    def __init__(self, producer: IngestProducer, settings: Settings) -> None:
        self.unacknowledged_bytes = 0
        self._producer = producer
        self._record_batches = RecordBatches(settings.compression.codec, transactional=False)
        self._most_bytes = settings.ingest_in_flight_bytes // SHARE_OF_UNACKNOWLEDGED
        self._deadline_seconds = settings.ingest_deadline_seconds
        self._open: dict[str, PendingBatch] = {}
        self.room = asyncio.Event()  # whether the broker has taken enough for more to be packed
        self.room.set()
        self._deliveries: set[asyncio.Task[None]] = set()

    def most_value_bytes(self, topic: str) -> int:
        """Return how long a value of this topic may be; refuse while Kafka is away."""
        _, known = self._producer.known(topic)
        return known.most_bytes

    def put(self, topic: str, records: Sequence[OutputRecord], held_bytes: int) -> set[asyncio.Future[None]]:
        """Hand over records that hold so much memory; the broker has them when the futures are done.

        One fails with an `HttpError` (503) when the broker is away or too slow; some of the
        records may be stored then.
        """
        size = held_bytes // len(records)
        at_once = max(BATCH_BYTES // size, 1)  # a big body is not packed in one go
        return {self._put(topic, records[at : at + at_once], size) for at in range(0, len(records), at_once)}

    def _put(self, topic: str, records: Sequence[OutputRecord], record_bytes: int) -> asyncio.Future[None]:
        open_one = self._open.get(topic)
        if open_one is None:
            loop = asyncio.get_running_loop()
            open_one = self._open[topic] = PendingBatch(topic, loop.create_future())
            loop.call_later(LINGER_SECONDS, self._seal, open_one)
        open_one.records += records
        open_one.size += record_bytes * len(records)
        self._count(record_bytes * len(records))
        if open_one.size >= BATCH_BYTES:
            self._seal(open_one)
        return open_one.done

    async def drain(self) -> None:
        """Wait until all that was handed over is answered for."""
        for batch in list(self._open.values()):
            self._seal(batch)
        if self._deliveries:
            await asyncio.wait(self._deliveries)

    def _count(self, size: int) -> None:
        self.unacknowledged_bytes += size
        if self.unacknowledged_bytes < self._most_bytes:
            self.room.set()
        else:
            self.room.clear()

    def _seal(self, batch: PendingBatch) -> None:
        if self._open.get(batch.topic) is batch:
            del self._open[batch.topic]
            delivery = asyncio.create_task(self._deliver(batch))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

    async def _deliver(self, batch: PendingBatch) -> None:
        done = batch.done
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._send(batch)
        except HttpError as refusal:
            done.set_exception(refusal)
        except (KafkaError, TimeoutError, OSError):
            done.set_exception(
                broker_unavailable("Kafka has not acknowledged every line in time; expected it back soon")
            )
        except BaseException:  # a bug, or the end of the worker: nobody may be told that the lines are safe
            done.cancel()
            raise
        else:
            done.set_result(None)
        finally:
            batch.records.clear()  # the error of a future would keep them
            self._count(-batch.size)
            if not done.cancelled():
                done.exception()  # who sent it may have gone away

    async def _send(self, batch: PendingBatch) -> None:
        up, topic = self._producer.known(batch.topic)
        packed = self._record_batches.pack(batch.records, batch.size, topic.most_bytes)
        batch.records.clear()
        try:
            sent = [
                await up.producer.send_batch(
                    one, batch.topic, partition=await next_led(up.producer, batch.topic, topic.partitions)
                )
                for one in packed
            ]
            await asyncio.gather(*sent)
        except REFUSED as error:
            if batch.topic not in up.refusals:
                _tell_refused(batch.topic, error)
                up.refuse(batch.topic, error)
            raise refused_by(batch.topic, error) from error
        except BaseException as error:
            refusal = up.refusals.get(batch.topic)
            if refusal is not None and isinstance(error, KafkaError):  # it was sent behind what was refused
                raise refused_by(batch.topic, refusal) from error
            # A gap in the numbers of an idempotent producer can only be mended by a new one.
            if not up.has_failed:
                _tell_refused(batch.topic, error)
            up.fail()
            raise


def _tell_refused(topic: str, error: BaseException) -> None:
    log.warning("Broker has refused record batches.", topic=topic, error=error)
