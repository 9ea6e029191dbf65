"""Commits of a consumer that the group has forgotten: the broker takes them where nobody is left."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import group_consumer, group_metadata
from dataflow.kafka.errors import CommitFailedError
from dataflow.kafka.generation_commit import commit_in_generation


@pytest.fixture
async def member(
    reached: dict[str, object], topic: str, unique: Callable[[str], str]
) -> AsyncIterator[AIOKafkaConsumer]:
    """Return the only member of a group, with its partitions."""
    consumer = group_consumer(reached, unique("group"), session_timeout_ms=2_000, leave_timeout_ms=1_000)
    async with running(consumer):
        consumer.subscribe([topic])
        async with asyncio.timeout(20):
            while not consumer.assignment():  # noqa: ASYNC110  # the group does it
                await asyncio.sleep(0.02)
        yield consumer


async def test_a_member_commits_for_its_generation_and_for_no_other(
    member: AIOKafkaConsumer, reached: dict[str, object], topic: str, unique: Callable[[str], str]
):
    """A frozen sink worker that came back when its successor had left took the offset back."""
    tp, now = TopicPartition(topic, 0), group_metadata(member)
    await commit_in_generation(member, now, {tp: OffsetAndMetadata(200, "note")})
    with pytest.raises(CommitFailedError, match="is over; now"):
        await commit_in_generation(
            member, now._replace(generation=now.generation - 1), {tp: OffsetAndMetadata(3, "")}
        )
    await member._coordinator._maybe_leave_group()  # and so its generation is reset
    assert group_metadata(member).generation == -1
    with pytest.raises(CommitFailedError):
        await commit_in_generation(member, now, {tp: OffsetAndMetadata(150, "")})
    async with running(Admin(reached)) as admin:
        assert await admin.committed(unique("group")) == {tp: OffsetAndMetadata(200, "note")}
