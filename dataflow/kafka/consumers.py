"""Consumers: those that read topics on their own, and members of groups."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from time import monotonic

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.consumer.subscription_state import TopicPartitionState

from dataflow.kafka.clients import running
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.types import Consumer, TopicPartition

METADATA_PAUSE_SECONDS = 0.2
FETCH_BYTES = 1 << 20  # of one partition at once; this, inflated, is what it holds in memory
FETCH_MAX_WAIT_MS = 500
REQUEST_TIMEOUT_MS = 40_000
NO_LEADER = -1
NEVER_MS = 2**31 - 1
HEARTBEAT_MS = 1_000
"""At most, however long the session is: a member learns of a rebalance by one."""


def reader(
    connection: Mapping[str, object],
    *,
    isolation_level: str = "read_committed",
    fetch_bytes: int = FETCH_BYTES,
    retry_backoff_ms: int = 100,
    fetch_max_wait_ms: int = FETCH_MAX_WAIT_MS,
) -> AbstractAsyncContextManager[Consumer]:
    """Give a running consumer of no group, which is told what to read; from the begin, unless it seeks."""
    return running(
        Consumer(
            **connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level,
            max_partition_fetch_bytes=fetch_bytes,
            retry_backoff_ms=retry_backoff_ms,
            fetch_max_wait_ms=fetch_max_wait_ms,
        )
    )


def group_consumer(
    connection: Mapping[str, object], group: str, *, session_timeout_ms: int, leave_timeout_ms: int
) -> Consumer:
    """Return a member of a group, not started; it commits by itself never, and may think for days.

    `leave_timeout_ms` is how long it may take to finish partitions that the group takes away.
    """
    return Consumer(
        **connection,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=min(session_timeout_ms // 4, HEARTBEAT_MS),
        max_poll_interval_ms=NEVER_MS,
        rebalance_timeout_ms=session_timeout_ms + leave_timeout_ms,
    )


def apply_settings(consumer: Consumer, assignor: object) -> None:
    """Set what Faust, which has made this consumer, has no settings for; before the consumer is started."""
    consumer._partition_assignment_strategy = [assignor]
    consumer._isolation_level = "read_committed"
    # Faust takes one setting for requests and for its recovery, which may last.
    consumer._request_timeout_ms = consumer._client._request_timeout_ms = REQUEST_TIMEOUT_MS
    consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
    consumer._max_partition_fetch_bytes = FETCH_BYTES


def group_metadata(consumer: Consumer, instance_id: str | None = None) -> GroupMetadata:
    """Return by what the group knows this member; aiokafka forgets it before it reports a lost session."""
    coordinator = consumer._coordinator
    return GroupMetadata(coordinator.generation, coordinator.member_id, instance_id)


def has_coordinator(consumer: Consumer) -> bool:
    """Tell whether the group's coordinator answers, by whether it has within half a session.

    A dead broker is forgotten by a heartbeat or two; of one that is frozen, a heartbeat is awaited for 40 s.
    """
    coordinator = consumer._coordinator
    if coordinator.coordinator_id is None:
        return False
    connected = consumer._client._conns.get((coordinator.coordinator_id, ConnectionGroup.COORDINATION))
    return connected is None or monotonic() - connected._last_action < coordinator._session_timeout_ms / 2_000


def stable_end(consumer: Consumer, tp: TopicPartition) -> int:
    """Return up to where a partition can be read, as far as its last fetch knows; 0 before the first."""
    state = _state_of(consumer, tp)
    return (state and state.lso) or 0


def last_end(consumer: Consumer, tp: TopicPartition) -> int:
    """Return where a partition ends, what open transactions hold up included; 0 before the first fetch."""
    state = _state_of(consumer, tp)
    return (state and state.highwater) or 0


def _state_of(consumer: Consumer, tp: TopicPartition) -> TopicPartitionState | None:
    subscription = consumer._subscription.subscription
    assignment = subscription and subscription.assignment
    return assignment and assignment.state_value(tp)


async def refresh_topics(consumer: Consumer) -> None:
    """Ask for metadata now: the group joins again if a topic that it reads has come, gone or grown.

    The answer may be older: to a request that is already on its way no second one is sent.
    """
    await consumer._client.force_metadata_update()


def known_sizes(consumer: Consumer, topics: Iterable[str]) -> dict[str, int]:
    """Return how many partitions each topic has by the consumer's metadata; 0 for one that it lacks."""
    cluster = consumer._client.cluster
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}


def client_of(consumer: Consumer) -> AIOKafkaClient:
    """Return the connections of a consumer, for requests that it does not know."""
    return consumer._client


async def ends_of(consumer: Consumer, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Return where partitions end; of those without a leader what their last fetch said."""
    cluster = client_of(consumer).cluster
    led = [tp for tp in tps if cluster.leader_for_partition(tp) != NO_LEADER]
    known = {tp: last_end(consumer, tp) for tp in tps}
    return known | (await consumer.end_offsets(led) if led else {})


async def find_topics(consumer: Consumer) -> None:
    """Ask for metadata until the broker knows all subscribed topics.

    A broker that has just started may answer before it knows its topics. The group's leader then
    assigns none of their partitions, and would ask again after minutes only; once it knows them,
    it has the group join again by itself.
    """
    cluster = consumer._client.cluster
    while not (consumer._closed or all(map(cluster.partitions_for_topic, consumer.subscription()))):
        await asyncio.sleep(METADATA_PAUSE_SECONDS)
        await consumer._client.force_metadata_update()
