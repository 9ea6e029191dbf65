"""Topic states: which topics there are, with how many partitions, and what we may do with them (KIP-430)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import aiokafka.errors as kafka_errors
from aiokafka.client import AIOKafkaClient

from dataflow.kafka.topic_ids import TopicRow, topic_rows

READ, WRITE = 3, 4
"""Kafka's numbers of these operations."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic, as the broker shows it to us; `partitions` is 0 for one that is missing or hidden."""

    partitions: int = 0
    is_hidden: bool = False
    """We may not even describe it."""
    operations: int = -1
    """A bit for each operation that we may do; all where the broker does not say."""
    cleanup_policy: str = ""
    """Its cleanup.policy; empty where nobody has asked, or may."""
    leaderless: frozenset[int] = frozenset()
    """Its partitions that nobody can read or write: no broker runs that has all of it."""
    topic_id: str = ""
    """Empty where the broker has none."""

    def may(self, operation: int) -> bool:
        """Tell whether we may do this."""
        return not self.is_hidden and bool(self.operations >> operation & 1)

    @property
    def is_missing(self) -> bool:
        """Tell whether there is no such topic."""
        return not self.partitions and not self.is_hidden


async def topic_states(client: AIOKafkaClient, names: Collection[str]) -> Mapping[str, TopicState]:
    """Return the state of each of these topics; nothing if the broker is older than 2.8."""
    try:
        rows = await topic_rows(client, names, with_operations=True)
    except kafka_errors.IncompatibleBrokerVersion:
        return {}
    return {row.topic: _state(row) for row in rows}


def _state(row: TopicRow) -> TopicState:
    error = kafka_errors.for_code(row.error_code)
    if error is kafka_errors.TopicAuthorizationFailedError:
        return TopicState(is_hidden=True)
    if error is kafka_errors.UnknownTopicOrPartitionError:
        return TopicState()
    if not row.partitions:
        raise error()
    return TopicState(
        len(row.partitions),
        operations=row.operations if row.operations >= 0 else -1,
        leaderless=frozenset(row.leaderless_partitions),
        topic_id=row.topic_id or "",
    )
