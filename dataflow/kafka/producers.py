"""Producers: the transactional ones, whose offsets are fenced by the group (KIP-447), and plain ones."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTransactionTimeout,
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import OffsetAndMetadata, RecordMetadata, TopicPartition

from dataflow.errors import Misconfigured
from dataflow.kafka.accumulator import Accumulator, take_error
from dataflow.kafka.errors import (
    InvalidRecord,
    KeysRequired,
    RecordsRefused,
    RecordsTooLarge,
    TimestampsRefused,
)
from dataflow.kafka.offset_commit import FencedSender, GroupMetadata
from dataflow.kafka.record import Headers

BATCH_BYTES = 512 << 10
REQUEST_TIMEOUT_MS = 10_000
# Brokers from 4.1 on answer 1-4 % of the first produces of a transaction with "try again":
# with aiokafka's default of 100 ms that is the p99 of a checkpoint.
RETRY_BACKOFF_MS = 20
RETRY = {"retry_backoff_ms": RETRY_BACKOFF_MS, "request_timeout_ms": REQUEST_TIMEOUT_MS}
TRANSACTION_TIMEOUT_MS = 10_000

NO_EPOCHS: Mapping[TopicPartition, int] = {}

REFUSED = (
    InvalidRecord,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
"""What a topic answers to records that it does not take."""

Acknowledgement = asyncio.Future[RecordMetadata]


def end_of(sent: Acknowledgement, records: int) -> int | None:
    """Return the offset after a record batch that is acknowledged; None if the broker has not told it."""
    offset: int = sent.result().offset
    return offset + records if offset >= 0 else None  # of a batch that was sent twice it does not know it


class TransactionalProducer(AIOKafkaProducer):
    """A producer whose offsets are fenced by the group; it remembers what is not acknowledged yet."""

    _message_accumulator: Accumulator

    def __init__(
        self,
        connection: Mapping[str, object],
        transactional_id: str,
        compression: str | None = None,
        *,
        timeout_ms: int = TRANSACTION_TIMEOUT_MS,
        max_request_bytes: int = 1 << 20,
    ) -> None:
        super().__init__(
            **connection,
            acks="all",
            **RETRY,
            max_batch_size=BATCH_BYTES,
            compression_type=compression,
            transactional_id=transactional_id,
            transaction_timeout_ms=timeout_ms,
            max_request_size=max_request_bytes,
        )
        self.transactional_id = transactional_id
        self._message_accumulator = Accumulator(self._message_accumulator)
        self._sender = FencedSender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            **RETRY,
        )
        self._timeout_ms = timeout_ms
        self._sent: list[tuple[str, Acknowledgement]] = []

    async def start(self) -> None:
        """Connect, and end what a predecessor has left open; raise `Misconfigured` and `KafkaError`."""
        try:
            await super().start()
        except InvalidTransactionTimeout as error:
            raise Misconfigured(
                f"transaction.max.timeout.ms of the broker is less than {self._timeout_ms}; "
                f"expected at least that, the timeout of the transactions of {self.transactional_id}"
            ) from error

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Acknowledgement:
        """Send a record batch; `acknowledged` waits for the broker's answer."""
        return self._note(topic, await super().send_batch(batch, topic, partition=partition))

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers | None = None,
    ) -> Acknowledgement:
        """Send a record; `acknowledged` waits for the broker's answer."""
        with refusal_of(topic):
            return self._note(topic, await super().send(topic, value, key, partition, timestamp_ms, headers))

    def _note(self, topic: str, sent: Acknowledgement) -> Acknowledgement:
        # It may fail with nobody waiting: the first error is the one that is raised.
        sent.add_done_callback(take_error)
        self._sent.append((topic, sent))
        return sent

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was sent since the last call; raise the first error.

        What a topic has refused comes first: other errors only say that the transaction has failed.
        """
        sent, self._sent = self._sent, []
        try:
            for topic, acknowledgement in sent:
                with refusal_of(topic):
                    await acknowledgement
        except KafkaError:
            _raise_refusal(sent)
            raise

    @property
    def transaction_error(self) -> BaseException | None:
        """What has ended the open transaction, whatever aiokafka says to later calls; None: nothing."""
        ended = self._txn_manager.wait_for_transaction_end()
        return ended.exception() if ended is not None and ended.done() else None

    @property
    def is_in_transaction(self) -> bool:
        """Tell whether a transaction is open that has not failed, and is not being committed."""
        return bool(self._txn_manager.is_in_transaction())

    async def begin_transaction(self) -> None:
        """Begin a transaction; what was sent in an earlier one is nobody's concern any more."""
        self._sent.clear()
        await super().begin_transaction()
        # It may fail when nobody waits for its end, or not any more.
        self._txn_manager.wait_for_transaction_end().add_done_callback(take_error)

    async def add_group(self, group_id: str) -> None:
        """Add the group whose offsets will follow to the transaction, the first thing in it.

        Returns once the broker has ended the last transaction: it cannot write its end to all
        partitions at once, and refuses to begin the next before.
        """
        await self._sender.add_group(group_id)

    def add_partitions(self, partitions: Iterable[TopicPartition]) -> None:
        """Add partitions to the open transaction by one request.

        What is sent to them meanwhile goes out together as soon as it is answered: else aiokafka adds and
        sends the first one by itself, and the others after that.
        """
        if self.is_in_transaction:  # one that has failed is told of by what is sent
            for tp in partitions:
                self._txn_manager.maybe_add_partition_to_txn(tp)

    async def send_offsets(
        self,
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        group_id: str,
        member: GroupMetadata,
        leader_epochs: Mapping[TopicPartition, int] = NO_EPOCHS,
    ) -> None:
        """Add offsets to the open transaction as this member; raise `KafkaError` if the group lost it.

        `leader_epochs` are those of the last records before the offsets, as far as they are known.
        """
        # -1 and "" are what aiokafka falls back to on a lost session; the broker does not check them.
        assert member.generation >= 0, member
        assert member.member_id, member
        self._sender.group_metadata, self._sender.leader_epochs = member, leader_epochs
        if offsets:  # aiokafka waits for ever for none to be committed
            await self.send_offsets_to_transaction(offsets, group_id)


def _raise_refusal(sent: Iterable[tuple[str, Acknowledgement]]) -> None:
    """Raise what a topic has refused of this, if it is known."""
    for topic, acknowledgement in sent:
        if acknowledgement.done() and isinstance(acknowledgement.exception(), REFUSED):
            with refusal_of(topic):
                acknowledgement.result()


@contextmanager
def refusal_of(topic: str) -> Iterator[None]:
    """Raise what says why a topic has refused records, in place of the broker's error."""
    try:
        yield
    except (MessageSizeTooLargeError, RecordTooLargeError) as error:
        raise RecordsTooLarge([topic], error) from error
    except TopicAuthorizationFailedError as error:
        raise RecordsRefused([topic], error) from error
    except InvalidRecord as error:  # of ours, only one without a key can be
        raise KeysRequired([topic], error) from error
    except InvalidTimestampError as error:
        raise TimestampsRefused(topic) from error


async def next_led(producer: AIOKafkaProducer, topic: str, turns: Iterator[int]) -> int:
    """Return the next of these partitions that has a leader, as far as the producer knows; else the next.

    `turns` are all partitions of the topic, again and again: one whose broker is away is passed over.
    """
    await producer.partitions_for(topic)  # asks the broker the first time
    led = producer.client.cluster.available_partitions_for_topic(topic) or ()
    first = number = next(turns)
    while number not in led:
        number = next(turns)
        if number == first:
            break
    return number


async def led_partition(producer: AIOKafkaProducer, topic: str, number: int) -> int:
    """Return this partition if it has a leader, else the next one that has, for records of no order."""
    count = len(await producer.partitions_for(topic))
    return await next_led(producer, topic, ((number + turn) % count for turn in itertools.count()))


class IdempotentProducer(AIOKafkaProducer):
    """A producer that stores each record once, on all replicas."""

    _message_accumulator: Accumulator

    def __init__(
        self,
        connection: Mapping[str, object],
        compression: str | None = None,
        *,
        batch_bytes: int = 16 << 10,
        request_timeout_ms: int = REQUEST_TIMEOUT_MS,
    ) -> None:
        super().__init__(
            **connection,
            acks="all",
            enable_idempotence=True,
            compression_type=compression,
            max_batch_size=batch_bytes,
            request_timeout_ms=request_timeout_ms,
        )
        self._message_accumulator = self._sender._message_accumulator = Accumulator(self._message_accumulator)
