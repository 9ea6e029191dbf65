"""Offsets of a transaction, fenced by the group: TxnOffsetCommit v3 (KIP-447), which aiokafka lacks.

Requests in a version that aiokafka does not know are sent as they are.
"""

from collections.abc import Mapping
from typing import NamedTuple

import aiokafka.errors as kafka_errors
from aiokafka.client import CoordinationType
from aiokafka.producer.sender import AddOffsetsToTxnHandler, TxnOffsetCommitHandler
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka.clients import backoff
from dataflow.kafka.errors import NO_MEMBER
from dataflow.kafka.init_producer import PatientSender

TEXT = CompactString("utf-8")
TAGS = ("tags", TaggedFields)

Field = tuple[str, AbstractType]

TOPIC: Field = ("topic", TEXT)
PARTITION: Field = ("partition", Int32)
COMMITTED = (PARTITION, ("offset", Int64), ("leader_epoch", Int32), ("metadata", TEXT))
"""The fields of a committed offset."""


def structs(name: str, *fields: Field) -> Field:
    """Return a field that holds an array of structs with these fields."""
    return name, CompactArray(*fields, TAGS)


class PinnedRequest(Request[RequestStruct]):
    """A request struct sent as it is: the broker must speak this very version."""

    API_KEY = -1  # aiokafka wants one of the class; the struct's own is what counts

    def __init__(self, struct: RequestStruct) -> None:
        self.API_KEY = struct.API_KEY
        self.struct = struct

    def build(self, _request_struct_class: object) -> RequestStruct:
        """Return the struct."""
        return self.struct

    def prepare(self, versions: dict[int, tuple[int, int]]) -> RequestStruct:
        """Return the struct, if the broker speaks its version."""
        lowest, highest = versions[self.struct.API_KEY]
        if not lowest <= self.struct.API_VERSION <= highest:
            raise kafka_errors.IncompatibleBrokerVersion(
                f"request {self.struct.API_KEY} is spoken in versions {lowest} to {highest}; "
                f"expected {self.struct.API_VERSION} (Apache Kafka 2.5 or newer)"
            )
        return self.struct


FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.5


class GroupMetadata(NamedTuple):
    """What the group coordinator knows a member by, as Kafka's ConsumerGroupMetadata."""

    generation: int
    member_id: str
    instance_id: str | None


class TxnOffsetCommitResponseV3(Response):
    """An error code for each partition."""

    API_KEY = 28
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        structs("errors", TOPIC, structs("partition_errors", PARTITION, ("error_code", Int16))),
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
        structs("topics", TOPIC, structs("partitions", *COMMITTED)),
        TAGS,
    )


class FencedOffsetCommit(TxnOffsetCommitHandler):
    """TxnOffsetCommit that names generation and member, so that a zombie's is refused."""

    def create_request(self) -> PinnedRequest:
        """Return the request."""
        state = self._sender._txn_manager
        by_topic: dict[str, list[tuple[object, ...]]] = {}
        for tp, noted in sorted(self._offsets.items()):
            epoch = self._sender.leader_epochs.get(tp, -1)
            row: tuple[object, ...] = (tp.partition, noted.offset, epoch, noted.metadata, {})
            by_topic.setdefault(tp.topic, []).append(row)
        return PinnedRequest(
            TxnOffsetCommitRequestV3(
                state.transactional_id,
                self._group_id,
                state.producer_id,
                state.producer_epoch,
                *self._sender.group_metadata,
                [(topic, rows, {}) for topic, rows in by_topic.items()],
                {},
            )
        )

    def handle_response(self, response: TxnOffsetCommitResponseV3) -> object:
        """Give the base class the shape of version 0, which it reads; end the transaction of a zombie.

        The base class ends the producer with a traceback by errors that it does not know.
        """
        response.errors = [
            (topic, [(partition, code) for partition, code, _ in rows]) for topic, rows, _ in response.errors
        ]
        errors = [kafka_errors.for_code(code) for _, rows in response.errors for _, code in rows]
        refused = next((error for error in errors if issubclass(error, NO_MEMBER)), None)
        if refused is None:
            return super().handle_response(response)
        self._sender._txn_manager.error_transaction(refused(self._group_id))
        return None


class FencedSender(PatientSender):
    """aiokafka's sender with the offset commit above."""

    group_metadata = GroupMetadata(-1, "", None)
    leader_epochs: Mapping[TopicPartition, int] = {}
    """Of the last record before each offset, as far as they are known."""

    async def add_group(self, group_id: str) -> None:
        """Add the group to the transaction; asks ever more rarely while the last one is being ended."""
        for pause in backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS):
            node = await self._find_coordinator(
                CoordinationType.TRANSACTION, self._txn_manager.transactional_id
            )
            handler = AddOffsetsToTxnHandler(self, group_id)
            handler._default_backoff = pause
            if await handler.do(node):
                return

    async def _do_txn_offset_commit(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_id: str
    ) -> None:
        node = await self._find_coordinator(CoordinationType.GROUP, group_id)
        await FencedOffsetCommit(self, offsets, group_id).do(node)
