"""Lag: consumer groups and their topics in; how many records these groups have not yet finished out."""

import asyncio
from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

ANSWER_SECONDS = 2.0


async def unfinished_records(
    connection: Mapping[str, object], groups: Mapping[str, Collection[str]]
) -> int | None:
    """Return how many records of these topics the groups have not committed; None if Kafka does not tell.

    The groups need not be those of this worker.
    """
    admin = AIOKafkaAdminClient(**connection)
    # It learns of a topic when it is first asked of it, and then waits for so long.
    reader = AIOKafkaConsumer(**connection, isolation_level="read_committed", retry_backoff_ms=5)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await asyncio.gather(admin.start(), reader.start())
            return await _lag(admin, reader, groups)
    except (KafkaError, OSError):
        return None
    finally:
        await asyncio.gather(admin.close(), reader.stop())


async def _lag(
    admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, groups: Mapping[str, Collection[str]]
) -> int:
    described = await admin.describe_topics([topic for topics in groups.values() for topic in topics])
    every = [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]
    committed: dict[TopicPartition, int] = {}
    for group, topics in groups.items():
        noted = await admin.list_consumer_group_offsets(group)
        committed |= {tp: at.offset for tp, at in noted.items() if tp.topic in topics and at.offset >= 0}
    begins = await reader.beginning_offsets([tp for tp in every if tp not in committed])
    ends = await reader.end_offsets(every)
    return sum(max(ends[tp] - committed.get(tp, begins.get(tp, 0)), 0) for tp in every)
