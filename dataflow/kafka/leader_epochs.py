"""Leader epochs: where the records of one end in its leader's log (KIP-320), which aiokafka does not ask."""

from collections.abc import Mapping
from contextlib import suppress

import aiokafka.errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Int16, Int32, Int64, Schema
from aiokafka.structs import TopicPartition

from dataflow.kafka.offset_commit import PARTITION, TAGS, TOPIC, PinnedRequest, structs
from dataflow.kafka.topic_ids import topic_rows

NO_EPOCH = -1
"""Of records of which nobody knows it."""
_ANY_REPLICA = -1
_UNDEFINED = -1


class OffsetForLeaderEpochResponseV4(Response):
    """Of each partition the largest epoch that is not above the one asked for, and where it ends."""

    API_KEY = 23
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        structs(
            "topics",
            TOPIC,
            structs(
                "partitions", ("error_code", Int16), PARTITION, ("leader_epoch", Int32), ("end_offset", Int64)
            ),
        ),
        TAGS,
    )


class OffsetForLeaderEpochRequestV4(RequestStruct):
    """Epochs of partitions; -1 as the current one asks for no check of what the client knows."""

    API_KEY = 23
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = OffsetForLeaderEpochResponseV4
    SCHEMA = Schema(
        ("replica_id", Int32),
        structs(
            "topics",
            TOPIC,
            structs("partitions", PARTITION, ("current_leader_epoch", Int32), ("leader_epoch", Int32)),
        ),
        TAGS,
    )


async def ends_of_epochs(
    client: AIOKafkaClient, epochs: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return where the records of an epoch, and of all before it, end in the log of each partition.

    Below what was read of them, the log has lost some of it, and others may have come in their place. A
    partition whose leader does not know is left out; so are all on a broker before 2.8. Raises `KafkaError`.
    """
    ends: dict[TopicPartition, int] = {}
    with suppress(kafka_errors.IncompatibleBrokerVersion):
        for node, tps in (await _by_leader(client, epochs)).items():
            by_topic: dict[str, list[tuple[object, ...]]] = {}
            for tp in tps:
                by_topic.setdefault(tp.topic, []).append((tp.partition, _UNDEFINED, epochs[tp], {}))
            wanted: list[tuple[object, ...]] = [(topic, rows, {}) for topic, rows in by_topic.items()]
            request = PinnedRequest(OffsetForLeaderEpochRequestV4(_ANY_REPLICA, wanted, {}))
            ends |= _ends_in(await client.send(node, request))
    return ends


async def _by_leader(
    client: AIOKafkaClient, epochs: Mapping[TopicPartition, int]
) -> dict[int, list[TopicPartition]]:
    rows = await topic_rows(client, {tp.topic for tp in epochs}) if epochs else []
    leaders = {TopicPartition(row.topic, p.number): p.leader for row in rows for p in row.led_partitions}
    by_leader: dict[int, list[TopicPartition]] = {}
    for tp in epochs:
        if tp in leaders:
            by_leader.setdefault(leaders[tp], []).append(tp)
    return by_leader


def _ends_in(answer: Response) -> dict[TopicPartition, int]:
    ends = {}
    for topic, partitions, _ in answer.topics:
        for code, partition, _, end, _ in partitions:
            error = kafka_errors.for_code(code)
            if code and error.retriable:
                raise error(f"{topic}/{partition}")
            if not code and end != _UNDEFINED:
                ends[TopicPartition(topic, partition)] = end
    return ends
