"""The producer: record batches in, one Kafka transaction a checkpoint out, fenced by the group (KIP-447)."""

from collections.abc import Mapping

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.producer.sender import Sender, TxnOffsetCommitHandler
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import CompactArray, Int16, Int32, Int64, Schema
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.engine.offsets import TAGS, TEXT, Exactly

BATCH_BYTES = 512 << 10
REQUEST_TIMEOUT_MS = 10_000
# Brokers from 4.1 on answer 1-4 % of the first produces of a transaction with "try again":
# with aiokafka's default of 100 ms that is the p99 of a checkpoint.
RETRY_BACKOFF_MS = 20
TRANSACTION_TIMEOUT_MS = 10_000


class Membership(tuple[int, str, str | None]):
    """(generation, member id, static instance id) of a group member."""

    __slots__ = ()


class TxnOffsetCommitResponseV3(Response):
    """An error code for each partition."""

    API_KEY = 28
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "errors",
            CompactArray(
                ("topic", TEXT),
                (
                    "partition_errors",
                    CompactArray(("partition", Int32), ("error_code", Int16), TAGS),
                ),
                TAGS,
            ),
        ),
        TAGS,
    )


class TxnOffsetCommitRequestV3(RequestStruct):
    """Offsets, with the generation and member that commits them."""

    API_KEY = 28
    API_VERSION = 3
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = TxnOffsetCommitResponseV3
    SCHEMA = Schema(
        ("transactional_id", TEXT),
        ("group_id", TEXT),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", TEXT),
        ("group_instance_id", TEXT),
        (
            "topics",
            CompactArray(
                ("topic", TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", TEXT),
                        TAGS,
                    ),
                ),
                TAGS,
            ),
        ),
        TAGS,
    )


class FencedOffsetCommit(TxnOffsetCommitHandler):
    """TxnOffsetCommit that names generation and member, so that a zombie's is refused."""

    def create_request(self) -> Exactly:
        """Return the request."""
        state = self._sender._txn_manager
        by_topic: dict[str, list[tuple[object, ...]]] = {}
        for tp, noted in sorted(self._offsets.items()):
            row: tuple[object, ...] = (tp.partition, noted.offset, -1, noted.metadata, {})
            by_topic.setdefault(tp.topic, []).append(row)
        return Exactly(
            TxnOffsetCommitRequestV3(
                state.transactional_id,
                self._group_id,
                state.producer_id,
                state.producer_epoch,
                *self._sender.membership,
                [(topic, rows, {}) for topic, rows in by_topic.items()],
                {},
            )
        )

    def handle_response(self, response: TxnOffsetCommitResponseV3) -> object:
        """Give the base class the shape of version 0, which it reads."""
        response.errors = [
            (topic, [(partition, code) for partition, code, _ in rows]) for topic, rows, _ in response.errors
        ]
        return super().handle_response(response)


class FencedSender(Sender):
    """aiokafka's sender with the offset commit above."""

    membership = Membership((-1, "", None))

    async def _do_txn_offset_commit(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_id: str
    ) -> None:
        node = await self._find_coordinator(CoordinationType.GROUP, group_id)
        await FencedOffsetCommit(self, offsets, group_id).do(node)


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
        membership: Membership,
    ) -> None:
        """Add offsets to the open transaction as this member of the group.

        Raises `KafkaError` when the group knows the member or its generation no more.
        """
        generation, member, _ = membership
        # -1 and "" are what aiokafka falls back to on a lost session; the broker does not check them.
        assert generation >= 0, membership
        assert member, membership
        self._sender.membership = membership
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
