"""Producers: the transactional one, whose offsets are fenced by the group (KIP-447), and the plain one."""

from collections.abc import Mapping

from aiokafka import AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka.offset_commit import FencedSender, GroupMetadata

BATCH_BYTES = 512 << 10
REQUEST_TIMEOUT_MS = 10_000
# Brokers from 4.1 on answer 1-4 % of the first produces of a transaction with "try again":
# with aiokafka's default of 100 ms that is the p99 of a checkpoint.
RETRY_BACKOFF_MS = 20
TRANSACTION_TIMEOUT_MS = 10_000


class TransactionalProducer(AIOKafkaProducer):
    """aiokafka's transactional producer; offsets go out fenced by the group's generation."""

    def __init__(
        self, connection: Mapping[str, object], transactional_id: str, compression: str | None
    ) -> None:
        super().__init__(
            **connection,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_batch_size=BATCH_BYTES,
            compression_type=compression,
        )
        self._sender = FencedSender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def send_offsets(
        self,
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        group_id: str,
        member: GroupMetadata,
    ) -> None:
        """Add offsets to the open transaction as this member of the group.

        Raises `KafkaError` when the group knows the member or its generation no more.
        """
        # -1 and "" are what aiokafka falls back to on a lost session; the broker does not check them.
        assert member.generation >= 0, member
        assert member.member_id, member
        self._sender.group_metadata = member
        await self.send_offsets_to_transaction(offsets, group_id)


def plain_producer(connection: Mapping[str, object], compression: str | None) -> AIOKafkaProducer:
    """Return the producer of `at_least_once`: no transactions, no producer id, all replicas must have it."""
    return AIOKafkaProducer(
        **connection,
        acks="all",
        retry_backoff_ms=RETRY_BACKOFF_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_batch_size=BATCH_BYTES,
        compression_type=compression,
    )
