"""Errors of Kafka: aiokafka's, and what several of them mean together."""

from collections.abc import Collection

import aiokafka.errors as kafka_errors
from aiokafka.errors import (
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    IllegalStateError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownMemberIdError,
)

from dataflow.errors import DataflowError

__all__ = [
    "CommitFailedError",
    "GroupAuthorizationFailedError",
    "IllegalStateError",
    "IncompatibleBrokerVersion",
    "KafkaConnectionError",
    "KafkaError",
    "TopicAuthorizationFailedError",
    "TransactionalIdAuthorizationFailed",
]

BROKER_AWAY = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, OSError)
DENIED = (
    GroupAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
)
"""A right is missing; it may be given at any time."""
NO_MEMBER = (IllegalGenerationError, UnknownMemberIdError, RebalanceInProgressError)


def missing_right(error: BaseException) -> str | None:
    """Return the operation and the resource that a broker has denied; None for another error."""
    match error:
        case GroupAuthorizationFailedError():
            right = "READ on group"
        case TransactionalIdAuthorizationFailed():
            right = "WRITE on transactional id"
        case TopicAuthorizationFailedError():
            right = "READ or WRITE on topic"
        case ClusterAuthorizationFailedError():
            right = "IDEMPOTENT_WRITE, or another one, on the cluster"
        case _:
            return None
    names = error.args[0] if error.args else ()
    name = names if isinstance(names, str) else ", ".join(sorted(map(str, names)))
    return f"operation {right} {name}".rstrip()


class InvalidRecord(BrokerResponseError):
    """A topic does not accept a record for what it is."""

    errno = 87
    message = "INVALID_RECORD"


class GroupMaxSizeReached(BrokerResponseError):
    """A group has as many members as its broker allows (group.max.size)."""

    errno = 81
    message = "GROUP_MAX_SIZE_REACHED"


# aiokafka turns codes that it does not know into UnknownError.
kafka_errors.kafka_errors.update({87: InvalidRecord, 81: GroupMaxSizeReached})


class Fenced(KafkaError, DataflowError):
    """Another producer has our transactional id, or the broker has ended our transaction.

    Nothing of it is committed, and this producer can write nothing more.
    """


class TransactionHeldUp(KafkaError):
    """The broker cannot end an earlier transaction of this id: a partition in it has no leader."""

    def __init__(self, transactional_id: str) -> None:
        super().__init__(
            f"the last transaction of {transactional_id} does not end: a partition in it has no leader"
        )


class RecordsRefused(KafkaError):
    """A topic does not accept records."""

    expected = "to let this user write"

    def __init__(self, topics: Collection[str], error: KafkaError) -> None:
        names = ", ".join(sorted(topics))
        super().__init__(f"topic {names} has refused records: {error}; expected it {self.expected}")
        self.topics = topics


class KeysRequired(RecordsRefused):
    """A topic accepts only records with a key: it is compacted."""

    expected = "to take records without a key (cleanup.policy without compact)"


class TimestampsRefused(KafkaError):
    """A topic does not accept records with these timestamps: write them with others."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"topic {topic} has refused record timestamps (message.timestamp.before.max.ms, …after.max.ms); "
            "expected it to have message.timestamp.type=LogAppendTime. Others take their place"
        )
        self.topic = topic


class RecordsTooLarge(RecordsRefused):
    """A topic does not accept records of this size.

    aiokafka has given them sequence numbers: the producer can write to that partition no more.
    """

    expected = "to take batches of 1 MiB (max.message.bytes; dead-letters more than any source)"
