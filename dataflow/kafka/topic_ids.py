"""Topic ids: a topic made anew has another one (KIP-516); Metadata v10, which aiokafka lacks."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import aiokafka.errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, Int16, Int32, Int64, Schema

from dataflow.kafka.offset_commit import PARTITION, TAGS, TEXT, PinnedRequest, structs

TOPIC_ID = (("id_high", Int64), ("id_low", Int64))
NO_ID = (0, 0)
AWAY = (kafka_errors.NodeNotReadyError, kafka_errors.KafkaConnectionError, kafka_errors.RequestTimedOutError)


class MetadataResponseV10(Response):
    """Brokers and topics."""

    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        structs("brokers", ("node_id", Int32), ("host", TEXT), ("port", Int32), ("rack", TEXT)),
        ("cluster_id", TEXT),
        ("controller_id", Int32),
        structs(
            "topics",
            ("error_code", Int16),
            ("topic", TEXT),
            *TOPIC_ID,
            ("is_internal", Boolean),
            structs(
                "partitions",
                ("error_code", Int16),
                PARTITION,
                ("leader", Int32),
                ("leader_epoch", Int32),
                ("replicas", CompactArray(Int32)),
                ("isr", CompactArray(Int32)),
                ("offline_replicas", CompactArray(Int32)),
            ),
            ("authorized_operations", Int32),
        ),
        ("authorized_operations", Int32),
        TAGS,
    )


class MetadataRequestV10(RequestStruct):
    """Topics by their names."""

    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = MetadataResponseV10
    SCHEMA = Schema(
        structs("topics", *TOPIC_ID, ("topic", TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        TAGS,
    )


class LedPartition(NamedTuple):
    """A partition, and the broker that leads it."""

    number: int
    leader: int


class TopicRow(NamedTuple):
    """What the broker answers of one topic."""

    error_code: int
    topic: str
    id_high: int
    id_low: int
    is_internal: bool
    partitions: Sequence[Sequence[int]]
    operations: int
    """A bit for each operation that we may do, if it was asked for; else negative."""
    tags: object

    @property
    def topic_id(self) -> str | None:
        """The id of the topic; None for one that is missing, or of a broker that has none."""
        if self.error_code or (self.id_high, self.id_low) == NO_ID:
            return None
        return b"".join(half.to_bytes(8, "big", signed=True) for half in (self.id_high, self.id_low)).hex()

    @property
    def led_partitions(self) -> list[LedPartition]:
        """The partitions that have a leader."""
        return [LedPartition(number, leader) for _, number, leader, *_ in self.partitions if leader >= 0]

    @property
    def leaderless_partitions(self) -> list[int]:
        """The numbers of those that have none."""
        return [number for _, number, leader, *_ in self.partitions if leader < 0]


async def _ask_any(client: AIOKafkaClient, request: PinnedRequest) -> Response:
    """Return what some broker answers, first of those that we are connected to: others may have died."""
    connected = [node for (node, _), connection in client._conns.items() if connection.connected()]
    known = [broker.nodeId for broker in client.cluster.brokers()]
    error: Exception = kafka_errors.NodeNotReadyError("no broker is known")
    for node in dict.fromkeys([*connected, *known]):
        try:
            return await client.send(node, request)
        except AWAY as away:
            error = away
    raise error


async def topic_rows(
    client: AIOKafkaClient, names: Collection[str], *, with_operations: bool = False
) -> list[TopicRow]:
    """Return what the broker answers of these topics; none is made by asking.

    Raises `IncompatibleBrokerVersion` of a broker before 2.8.
    """
    wanted: list[tuple[object, ...]] = [(*NO_ID, name, {}) for name in sorted(names)]
    request = PinnedRequest(MetadataRequestV10(wanted, False, False, with_operations, {}))
    return [TopicRow(*row) for row in (await _ask_any(client, request)).topics]


async def topic_ids(client: AIOKafkaClient, names: Collection[str]) -> dict[str, str]:
    """Return the ids of those of these topics that exist; a broker before 2.8 has none."""
    try:
        rows = await topic_rows(client, names)
    except kafka_errors.IncompatibleBrokerVersion:
        return {}
    return {row.topic: row.topic_id for row in rows if row.topic_id is not None}
