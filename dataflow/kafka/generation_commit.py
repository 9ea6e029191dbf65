"""Commit of offsets by a member of one generation of a group; a later or a lost one commits nothing."""

import asyncio
from collections.abc import Mapping

from dataflow.kafka.errors import NO_MEMBER, CommitFailedError, KafkaError
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.types import Consumer, OffsetAndMetadata, TopicPartition

RETRY_PAUSE_SECONDS = 0.1


async def commit_in_generation(
    consumer: Consumer, member: GroupMetadata, offsets: Mapping[TopicPartition, OffsetAndMetadata]
) -> None:
    """Commit offsets; wait for a coordinator that is away.

    Raises `CommitFailedError` once the consumer is no longer that member. aiokafka's own commit names
    the member that the consumer is when the request goes out. After a lost session that is nobody, and
    from nobody the broker accepts any offset while the group has no members.
    """
    coordinator = consumer._coordinator
    while True:
        await coordinator.ensure_coordinator_known()
        try:
            await asyncio.shield(_commit(consumer, member, offsets))
        except NO_MEMBER as error:
            raise CommitFailedError(f"the group has rebalanced: {error!r}") from error
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(RETRY_PAUSE_SECONDS)
        else:
            return


async def _commit(
    consumer: Consumer, member: GroupMetadata, offsets: Mapping[TopicPartition, OffsetAndMetadata]
) -> None:
    coordinator = consumer._coordinator
    # The request is built before anybody else runs.
    if member.generation < 0 or coordinator.generation != member.generation:
        raise CommitFailedError(f"generation {member.generation} is over; now {coordinator.generation}")
    await coordinator._do_commit_offsets(None, dict(offsets))
