"""Committed offsets of a group, past any open transaction: OffsetFetch v7 (KIP-447), which aiokafka lacks."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

import aiokafka.errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, Int16, Int32, Schema
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka.group_members import send_to_coordinator
from dataflow.kafka.offset_commit import COMMITTED, TAGS, TEXT, TOPIC, PinnedRequest, structs


class UnstableOffsetCommit(kafka_errors.BrokerResponseError):
    """A transaction that commits these offsets is still open."""

    errno = 88
    message = "UNSTABLE_OFFSET_COMMIT"
    retriable = True


class FencedInstanceId(kafka_errors.BrokerResponseError):
    """Another member has joined with our static instance id."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


# aiokafka turns codes that it does not know into UnknownError.
kafka_errors.kafka_errors.update({88: UnstableOffsetCommit, 82: FencedInstanceId})


class OffsetFetchResponseV7(Response):
    """Offsets, each with what its committer noted, and error codes."""

    API_KEY = 9
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        structs("topics", TOPIC, structs("partitions", *COMMITTED, ("error_code", Int16))),
        ("error_code", Int16),
        TAGS,
    )


class OffsetFetchRequestV7(RequestStruct):
    """`require_stable`: answer with an error while a transaction on an offset is open."""

    API_KEY = 9
    API_VERSION = 7
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = OffsetFetchResponseV7
    SCHEMA = Schema(
        ("group_id", TEXT),
        structs("topics", TOPIC, ("partitions", CompactArray(Int32))),
        ("require_stable", Boolean),
        TAGS,
    )


class CommittedOffset(NamedTuple):
    """What a group has committed of a partition: offset and leader epoch (-1: none), and what was noted."""

    tp: TopicPartition
    offset: int
    leader_epoch: int
    metadata: str


async def stable_offsets(
    client: AIOKafkaClient, group: str, tps: Iterable[TopicPartition], timeout_seconds: float
) -> dict[TopicPartition, int]:
    """Return committed offsets (-1: none) without open transactions; else raise `UnstableOffsetCommit`."""
    commits = await stable_commits(client, group, tps, timeout_seconds)
    return {tp: commit.offset for tp, commit in commits.items()}


async def stable_commits(
    client: AIOKafkaClient, group: str, tps: Iterable[TopicPartition], timeout_seconds: float
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return the same offsets, with what was noted beside each."""
    tps = list(tps)
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        rows, fault = await _fetch(client, group, tps, require_stable=True)
        if fault is None:
            return {row.tp: OffsetAndMetadata(row.offset, row.metadata) for row in rows}
        if not fault.retriable or asyncio.get_running_loop().time() > deadline:
            raise fault
        await asyncio.sleep(0.05)


async def last_committers(client: AIOKafkaClient, group: str, tps: Iterable[TopicPartition]) -> set[str]:
    """Return what the last committers noted beside their offsets; pending commits are not waited for."""
    return {row.metadata for row in await _committed(client, group, tps)}


async def committed_epochs(
    client: AIOKafkaClient, group: str, tps: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the leader epochs of the last records before committed offsets, where committers knew them."""
    rows = await _committed(client, group, tps)
    return {row.tp: row.leader_epoch for row in rows if row.leader_epoch >= 0}


async def _committed(
    client: AIOKafkaClient, group: str, tps: Iterable[TopicPartition]
) -> list[CommittedOffset]:
    rows, fault = await _fetch(client, group, list(tps), require_stable=False)
    if fault is not None:
        raise fault
    return rows


async def _fetch(
    client: AIOKafkaClient, group: str, tps: list[TopicPartition], *, require_stable: bool
) -> tuple[list[CommittedOffset], kafka_errors.KafkaError | None]:
    by_topic: dict[str, list[int]] = {}
    for tp in tps:
        by_topic.setdefault(tp.topic, []).append(tp.partition)
    topics: list[tuple[object, ...]] = [(topic, numbers, {}) for topic, numbers in by_topic.items()]
    request = PinnedRequest(OffsetFetchRequestV7(group, topics, require_stable, {}))
    answer = await send_to_coordinator(client, group, request)
    rows: list[CommittedOffset] = []
    codes = {answer.error_code}
    for topic, partitions, _ in answer.topics:
        for partition, offset, epoch, metadata, code, _ in partitions:
            codes.add(code)
            rows.append(CommittedOffset(TopicPartition(topic, partition), offset, epoch, metadata or ""))
    codes.discard(0)
    return rows, kafka_errors.for_code(codes.pop())() if codes else None
