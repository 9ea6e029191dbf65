"""Record batches out of aiokafka's fetcher, before it makes an object of every record."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile, islice
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, Errors, Fetcher, FetchResult
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import ConsumerRecord, TopicPartition

from dataflow.kafka.checksums import ChecksummedRecords
from dataflow.kafka.consumers import FETCH_BYTES, FETCH_MAX_WAIT_MS
from dataflow.kafka.leader_epochs import NO_EPOCH
from dataflow.kafka.lenient_batch import REFUSALS
from dataflow.kafka.packed_batch import Allowance, WholeBatch, readings
from dataflow.kafka.record import Record

REBALANCE_PAUSE_SECONDS = 0.05
GATHER_BYTES = FETCH_BYTES  # one partition with a backlog is not waited for
BESIDE_ORDINARY_SECONDS = 0.1
ORDINARY_RECORDS = 100
DENIED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RecordSlice:
    """Records that one producer wrote together, or the next part of very many."""

    records: Iterable[Record]
    newest_ms: int  # highest record timestamp of the producer's whole record batch


@dataclass(frozen=True, slots=True)
class Fetched:
    """The next records of a partition: offsets `first` up to, not including, `end`.

    `size` counts bytes as they were fetched, all of a response with its first part.
    No slices: only control records or aborted ones lie between the offsets. The leader epochs are those of
    the first and of the last record batch.
    """

    first: int
    end: int
    slices: list[RecordSlice]
    size: int
    first_epoch: int = NO_EPOCH
    last_epoch: int = NO_EPOCH


Readings = Iterator[Iterable[Record]]
"""The records of one batch by several ways of reading, of which the first that is not refused counts."""


class Cursor(aiokafka_fetcher.PartitionRecords):
    """Reads the record batches of one fetch response, part by part.

    `take` does what aiokafka's iterator does for ordinary topics, one step earlier. An empty control
    batch, as compaction may leave, is an empty batch for both, as in Kafka's own clients (KAFKA-7467); and a
    record that aiokafka refuses, though the broker has taken it, is read by both.
    """

    next_fetch_offset: int
    _records: ChecksummedRecords
    _open: tuple[DefaultRecordBatch, Readings, Iterator[Record] | None] | None = None
    """A batch that is read in parts: other ways to read it, and what is left of the present one."""
    _is_begun = False
    _first_epoch = _last_epoch = NO_EPOCH

    @property
    def exhausted(self) -> bool:
        """Tell whether all of the response has been taken."""
        return self._open is None and not self._records.has_next()

    def take(self, max_records: int) -> Fetched:
        """Return the next records: whole record batches up to `max_records`, or a part of one larger."""
        first, slices, count, allowance = self.next_fetch_offset, [], 0, Allowance()
        self._first_epoch = NO_EPOCH if self._open is None else self._last_epoch
        self._records_iterator = None  # not used, and its cycle would keep the response until the next gc
        while count < max_records:
            if self._open is not None:
                slices.append(self._part(max_records))
                break
            batch = self._next_batch()
            if batch is None:
                break
            if batch.magic < 2:
                raise Errors.UnsupportedVersionError(
                    f"record batch at offset {batch.base_offset} of {self._tp} has message format "
                    f"{batch.magic}; expected 2 (Kafka 0.11 or newer)"
                )
            if batch.last_offset_delta < max_records:
                count += batch.last_offset_delta + 1
                self.next_fetch_offset = batch.next_offset
                records = WholeBatch(batch, self._records.raw_batch, first, allowance)
                slices.append(RecordSlice(records, batch.max_timestamp))
            else:
                self._open = batch, readings(batch, self._records.raw_batch, Allowance()), None
                if slices:
                    break
        size, self._is_begun = 0 if self._is_begun else self._records.size_in_bytes(), True
        epochs = self._first_epoch, self._last_epoch
        return Fetched(first, self.next_fetch_offset, slices, size, *epochs)

    def _part(self, max_records: int) -> RecordSlice:
        assert self._open is not None
        batch, others, unread = self._open
        while True:
            unread = unread or self._from_position(next(others))
            try:
                records = list(islice(unread, max_records))
                break
            except REFUSALS:
                unread = None
        self._open = batch, others, unread
        if len(records) < max_records or records[-1].offset + 1 == batch.next_offset:
            self._open = None
            self.next_fetch_offset = batch.next_offset
        else:
            self.next_fetch_offset = records[-1].offset + 1
        return RecordSlice(records, batch.max_timestamp)

    def _from_position(self, records: Iterable[Record]) -> Iterator[Record]:
        first = self.next_fetch_offset
        return dropwhile(lambda record: record.offset < first, records)

    def _next_batch(self) -> DefaultRecordBatch | None:
        """Return the next batch with records for us; aborted and control batches only move the position."""
        while (batch := self._records.next_batch()) is not None:
            is_intact = self._records.is_intact(batch) if batch.magic >= 2 else batch.validate_crc()
            if self._check_crcs and not is_intact:
                raise Errors.CorruptRecordException(f"wrong checksum in {self._tp}")
            if batch.magic >= 2:
                self._last_epoch = self._records.leader_epoch
                if self._first_epoch == NO_EPOCH:
                    self._first_epoch = self._last_epoch
            if not self._skipped(batch):
                return batch
            self.next_fetch_offset = batch.next_offset
        return None

    def _skipped(self, batch: DefaultRecordBatch) -> bool:
        if self._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            elif batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        """Yield what aiokafka's own iterator does."""
        while (batch := self._next_batch()) is not None:
            for record in self._records_of(batch):
                self.next_fetch_offset = record.offset + 1
                yield self._consumer_record(self._tp, record)
            self.next_fetch_offset = batch.next_offset

    def _records_of(self, batch: DefaultRecordBatch) -> Iterator[Record]:
        if batch.magic < 2:
            yield from self._from_position(batch)
            return
        for reading in readings(batch, self._records.raw_batch, Allowance()):
            try:
                yield from self._from_position(reading)
                return
            except REFUSALS:
                continue

    def _contains_abort_marker(self, next_batch: DefaultRecordBatch) -> bool:
        marker = next(next_batch, None)  # aiokafka raises KafkaError for None
        return marker is not None and ControlRecord.parse(marker.key) == ABORT_MARKER


aiokafka_fetcher.PartitionRecords = Cursor  # of every consumer; aiokafka asks nobody which class to take


def take_fetched(fetcher: Fetcher, tp: TopicPartition, max_records: int) -> Fetched | None:
    """Take a partition's next records out of what aiokafka has fetched, or None; raise the broker's error.

    A right to read that is missing is no error: it is asked for again after a few seconds.
    """
    result = fetcher._records.get(tp)
    if result is None:
        return None
    if type(result) is not FetchResult:
        is_denied = type(result._error) is Errors.TopicAuthorizationFailedError
        if is_denied and monotonic() - result._created < DENIED_SECONDS:
            return None
        _forget(fetcher, tp)
        if is_denied:
            return None
        result.check_raise()
    if not result.check_assignment(tp):
        _forget(fetcher, tp)
        return None
    cursor: Cursor = result._partition_records
    fetched = cursor.take(max_records)
    result._update_position()
    if cursor.exhausted:
        _forget(fetcher, tp)
    return fetched


def _forget(fetcher: Fetcher, tp: TopicPartition) -> None:
    """Let aiokafka fetch this partition again."""
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)


async def drain(
    consumer: AIOKafkaConsumer, tps: Iterable[TopicPartition], max_records: int, timeout_seconds: float
) -> Mapping[TopicPartition, Fetched]:
    """Return the next records of these partitions, at most one part each, as soon as there are any."""
    return await _drain(consumer, dict.fromkeys(tps, max_records), timeout_seconds, lambda: True)


async def _drain(
    consumer: AIOKafkaConsumer,
    max_records: Mapping[TopicPartition, int],
    timeout_seconds: float,
    is_current: Callable[[], bool],
) -> Mapping[TopicPartition, Fetched]:
    fetcher, deadline = consumer._fetcher, monotonic() + timeout_seconds
    while is_current() and not fetcher._subscriptions.reassignment_in_progress:
        drained = {
            tp: fetched
            for tp, most in max_records.items()
            if (fetched := take_fetched(fetcher, tp, most)) is not None
        }
        left = deadline - monotonic()
        if drained or left <= 0:
            return drained
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=left)
        waiter.cancel()
    await asyncio.sleep(REBALANCE_PAUSE_SECONDS)
    return {}


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """For how long records are waited for.

    The broker answers a fetch when it has a MiB, or has gathered for so long; with 0 as soon as
    there is anything.
    """

    timeout_seconds: float
    gather_seconds: float


async def fetch(
    consumer: AIOKafkaConsumer,
    batched: Mapping[TopicPartition, int],
    ordinary: Collection[TopicPartition],
    options: FetchOptions,
    is_current: Callable[[], bool],
) -> Mapping[TopicPartition, Fetched | list[ConsumerRecord]]:
    """Return what has come: `Fetched` for batched partitions, lists of records for the others.

    Of a batched partition as many records as it has with it. Whoever takes records moves the position: once
    `is_current` is false nothing is taken, as whoever asked would not know what to do with it, and
    nobody would read it again.
    """
    fetcher, records, timeout_seconds = consumer._fetcher, {}, options.timeout_seconds
    if consumer._closed:
        await asyncio.sleep(REBALANCE_PAUSE_SECONDS)
        return {}
    fetcher._fetch_min_bytes = GATHER_BYTES if options.gather_seconds else 1
    fetcher._fetch_max_wait_ms = int(options.gather_seconds * 1000) or FETCH_MAX_WAIT_MS
    with fetcher._subscriptions.fetch_context():
        if ordinary:  # an empty set would mean all partitions
            timeout_seconds = min(timeout_seconds, BESIDE_ORDINARY_SECONDS)
            records = await fetcher.fetched_records(ordinary, timeout=0, max_records=ORDINARY_RECORDS)
        timeout_seconds = 0 if records else timeout_seconds
        return {**records, **await _drain(consumer, batched, timeout_seconds, is_current)}
