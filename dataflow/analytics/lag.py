"""Lag: how many records consumer groups have not yet finished."""

import asyncio
from collections.abc import Collection, Mapping

from dataflow.engine.sibling_groups import MARK
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.types import TopicPartition

ANSWER_SECONDS = 2.0


async def unfinished_records(
    connection: Mapping[str, object], groups: Mapping[str, Collection[str]]
) -> int | None:
    """Return how many records of these topics the groups have not committed; None: Kafka does not tell."""
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            running(Admin(connection)) as admin,
            # It learns of a topic when it is first asked of it, and then waits for so long.
            reader(connection, retry_backoff_ms=5) as consumer,
        ):
            partitions = await admin.partitions({topic for topics in groups.values() for topic in topics})
            committed: dict[TopicPartition, int] = {}
            for group in await admin.groups():
                topics = groups.get(group.partition(MARK)[0], ())
                for tp, noted in (await admin.committed(group) if topics else {}).items():
                    if tp.topic in topics:  # a group that took the stream long ago has an offset of then
                        committed[tp] = max(noted.offset, committed.get(tp, 0))
            begins = await consumer.beginning_offsets([tp for tp in partitions if tp not in committed])
            ends = await consumer.end_offsets(partitions)
            lag: int = sum(max(ends[tp] - committed.get(tp, begins.get(tp, 0)), 0) for tp in partitions)
            return lag
    except (KafkaError, OSError):
        return None
