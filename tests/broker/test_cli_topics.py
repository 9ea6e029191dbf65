"""Topics on a real broker: made once, compared ever after, never altered."""

import asyncio

import pytest

from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.topology import changelog_of
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.settings import Settings
from dataflow.topics import Difference, declared_topics, ensure_topics, existing_topics, grow_topics

KEPT = {"cleanup.policy": "delete", "retention.ms": "86400000"}


@pytest.fixture
def connection(broker) -> dict[str, object]:
    """Return how to reach the session's broker."""
    return {"bootstrap_servers": broker.address}


async def test_what_is_missing_is_made_as_declared(connection, unique):
    """Partitions and settings are those of the declaration; the second time nothing is new."""
    topics = [
        DeclaredTopic(unique("a"), "", configs=KEPT, partitions=3),
        DeclaredTopic(
            unique("b"),
            "",
            configs={"cleanup.policy": "compact", "max.message.bytes": "8388608"},
            partitions=2,
        ),
    ]
    first = await ensure_topics(connection, topics)
    second = await ensure_topics(connection, topics)
    assert (first.created, first.differences) == (tuple(topic.name for topic in topics), ())
    assert (second.created, second.differences) == ((), ())


async def test_differences_are_told_and_not_mended(connection, unique):
    """An operator may have had reasons; a topic with other partitions cannot be mended at all."""
    name = unique("a")
    await ensure_topics(connection, [DeclaredTopic(name, "", configs=KEPT, partitions=3)])
    wanted = [DeclaredTopic(name, "", configs={**KEPT, "cleanup.policy": "compact"}, partitions=4)]
    differences = (
        Difference(name, "partitions", "4", "3"),
        Difference(name, "cleanup.policy", "compact", "delete"),
    )
    assert (await ensure_topics(connection, wanted)).differences == differences
    assert (await ensure_topics(connection, wanted, create=False)).differences == differences


async def test_added_partitions_are_no_difference_once_the_changelog_has_them_too(connection, unique):
    """docs/scaling.md has an operator add some; from then on every check ended with 1, whatever was done."""
    app, source = unique("app"), unique("source")
    changelog = changelog_of(app, source)
    wanted = [
        DeclaredTopic(source, "", configs=KEPT, partitions=2),
        DeclaredTopic(changelog, "", configs=KEPT, partitions=2, beside=source),
    ]
    await ensure_topics(connection, wanted)
    async with running(Admin(connection)) as admin:
        await admin.grow({source: 5})
    await wait_for_partitions(connection, source, 5)
    assert (await ensure_topics(connection, wanted)).differences == (
        Difference(changelog, "partitions", "5", "2"),
    )
    grown = await grow_topics(connection, app)
    assert grown[changelog] == 5
    await wait_for_partitions(connection, changelog, 5)
    assert (await ensure_topics(connection, wanted)).differences == ()
    later = DeclaredTopic(unique("later"), "", configs=KEPT, partitions=2, beside=source)
    await ensure_topics(connection, [later])
    await wait_for_partitions(connection, later.name, 5)


async def wait_for_partitions(connection: dict[str, object], topic: str, count: int) -> None:
    """Return once the broker tells that a topic has so many; its answer to who adds some comes before."""
    async with asyncio.timeout(60):
        while (await existing_topics(connection)).get(topic) != count:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.05)


async def test_a_check_makes_nothing(connection, unique):
    """It is for those who may not."""
    topics = [DeclaredTopic(unique("a"), "", configs=KEPT, partitions=1)]
    missing = (Difference(topics[0].name, "partitions", "1", None),)
    assert (await ensure_topics(connection, topics, create=False)).differences == missing
    assert (await ensure_topics(connection, topics, create=False)).differences == missing


async def test_several_workers_may_make_them_at_once(connection, unique):
    """Each is told there is nothing wrong, and each topic is made by one."""
    topics = [DeclaredTopic(unique(name), "", configs=KEPT, partitions=1) for name in "abc"]
    reports = await asyncio.gather(*(ensure_topics(connection, topics) for _ in range(4)))
    assert sorted(name for report in reports for name in report.created) == sorted(
        topic.name for topic in topics
    )


def test_a_changelog_has_the_partitions_of_its_source(monkeypatch):
    """A partition's tables move with it."""
    monkeypatch.setenv("DATAFLOW_PARTITIONS", "7")
    monkeypatch.setenv("DATAFLOW_APP_ID", "mine")
    topics = {topic.name: topic for topic in declared_topics(Settings())}
    for source in ("cdn-logs", "expedia", "raw-web-events"):
        assert topics[f"mine-{source}-changelog"].partitions == topics[source].partitions == 7
        assert topics[f"mine-{source}-changelog"].configs["cleanup.policy"] == "compact"
