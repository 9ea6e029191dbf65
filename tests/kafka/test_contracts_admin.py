"""What we rely on in the answers to aiokafka's admin client, which are taken apart by position."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin, NewTopic
from dataflow.kafka.clients import backoff, running
from dataflow.kafka.consumers import client_of, group_consumer, group_metadata, has_coordinator


@pytest.fixture
async def admin(reached: dict[str, object]) -> AsyncIterator[Admin]:
    """Return a started admin client."""
    async with running(Admin(reached)) as started:
        yield started


async def test_a_topic_is_made_once(admin: Admin, unique: Callable[[str], str]):
    """`topic_errors` of CreateTopics: name, code, message. Several workers make topics at once."""
    wanted = [NewTopic(unique("made"), 3, {"cleanup.policy": "compact"})]
    assert await admin.create_topics(wanted) == (unique("made"),)
    assert await admin.create_topics(wanted) == ()
    assert await admin.create_topics([]) == ()
    async with asyncio.timeout(30):
        for pause in backoff(
            0.05
        ):  # the controller has answered, and the broker may not have heard of it yet
            if counts := await admin.partition_counts({unique("made")}):
                break
            await asyncio.sleep(pause)
    assert counts == {unique("made"): 3}


async def test_a_refused_topic_is_named_with_the_reason_of_the_broker(
    admin: Admin, unique: Callable[[str], str]
):
    """The message stands behind the code."""
    with pytest.raises(Misconfigured, match=f"topic {unique('odd')} is refused by the broker: .*nonsense"):
        await admin.create_topics([NewTopic(unique("odd"), 1, {"cleanup.policy": "nonsense"})])


async def test_to_ask_for_a_topic_does_not_make_it(admin: Admin, topic: str, unique: Callable[[str], str]):
    """A broker may make every topic that somebody asks for by its name."""
    assert await admin.partition_counts([topic, unique("nowhere")]) == {topic: 2}
    assert await admin.partitions([topic]) == [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    assert unique("nowhere") not in await admin.partition_counts()


async def test_settings_of_topics_are_read_by_name(admin: Admin, unique: Callable[[str], str]):
    """An entry of DescribeConfigs begins with name and value."""
    await admin.create_topics([NewTopic(unique("set"), 1, {"max.message.bytes": "4321"})])
    asked = {unique("set"): ["max.message.bytes", "cleanup.policy"]}
    assert await admin.configs(asked) == {
        unique("set"): {"max.message.bytes": "4321", "cleanup.policy": "delete"}
    }
    assert await admin.configs({}) == {}


async def test_a_group_is_listed_with_its_members_and_what_it_has_committed(
    admin: Admin, reached: dict[str, object], topic: str, unique: Callable[[str], str]
):
    """Positions in ListGroups, DescribeGroups and OffsetFetch; and what a consumer knows of itself."""
    group, tp = unique("group"), TopicPartition(topic, 0)
    consumer = group_consumer(reached, group, session_timeout_ms=6_000, leave_timeout_ms=1_000)
    consumer.subscribe([topic])
    async with running(consumer):
        while not consumer.assignment():
            await consumer.getmany(timeout_ms=100)
        await consumer.commit({tp: OffsetAndMetadata(7, "noted")})
        assert group in await admin.groups()
        assert await admin.member_count(group) == 1
        assert await admin.committed(group) == {tp: OffsetAndMetadata(7, "noted")}
        member = group_metadata(consumer, "instance")
        assert (member.generation >= 1, bool(member.member_id), member.instance_id) == (
            True,
            True,
            "instance",
        )
        assert has_coordinator(consumer)
        assert await client_of(consumer).coordinator_lookup(0, group) >= 0
    assert await admin.member_count(group) == 0
