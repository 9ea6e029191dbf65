"""Before the first event: wait for the broker, make the changelogs, compare partition counts."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from dataflow.engine.topology import Source
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin, NewTopic, with_admin
from dataflow.kafka.clients import running

MADE_POLL_SECONDS = 0.05
CHANGELOG_SETTINGS = {
    "cleanup.policy": "compact",
    "delete.retention.ms": str(86_400_000),  # a local store is used for half of it
    # A segment is compacted only once it is closed; recovery reads all that is not.
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    "max.message.bytes": str(8 << 20),
    "message.timestamp.type": "LogAppendTime",
}


async def prepare_topics(
    connection: Mapping[str, object], sources: Collection[Source], outputs: Iterable[str]
) -> dict[str, int]:
    """Make changelogs that are missing; return how many partitions every topic has.

    Raises `Misconfigured` for a topic that is missing, or a changelog that does not have
    as many partitions as its source: the tables of a partition are kept in that of the
    same number.
    """
    names = {source.topic.get_topic_name() for source in sources} | set(outputs)

    async def work(admin: Admin) -> tuple[dict[str, int], dict[str, int]]:
        """Look for the topics, and make the changelogs."""
        counts = await admin.partition_counts(names)
        missing = sorted(names - counts.keys())
        if missing:
            raise Misconfigured(
                f"topics {', '.join(missing)} do not exist on {connection['bootstrap_servers']}; "
                "expected all topics to be there. Make them with `dataflow topics --create`"
            )
        await _make_changelogs(admin, sources, counts)
        return counts, await admin.partition_counts({source.changelog for source in sources})

    counts, logs = await with_admin(connection, work)
    for source in sources:
        _compare(source, counts[source.topic.get_topic_name()], logs[source.changelog])
    return counts


async def find_outputs(connection: Mapping[str, object], names: AbstractSet[str]) -> dict[str, int]:
    """Return how many partitions these topics have; raise `Misconfigured` if one is missing."""
    async with running(Admin(connection)) as admin:
        counts = await admin.partition_counts(names)
    missing = sorted(names - counts.keys())
    if missing:
        raise Misconfigured(f"topics {', '.join(missing)} do not exist; expected all outputs to be there")
    return counts


async def _make_changelogs(admin: Admin, sources: Collection[Source], counts: Mapping[str, int]) -> None:
    existing = await admin.partition_counts({source.changelog for source in sources})
    await admin.create_topics(
        NewTopic(source.changelog, counts[source.topic.get_topic_name()], CHANGELOG_SETTINGS)
        for source in sources
        if source.changelog not in existing
    )
    # The broker answers before it knows the topic everywhere.
    wanted = {source.changelog for source in sources}
    while wanted - (await admin.partition_counts(wanted)).keys():  # noqa: ASYNC110 - nothing here could set an event
        await asyncio.sleep(MADE_POLL_SECONDS)


def _compare(source: Source, expected: int, found: int) -> None:
    if found != expected:
        raise Misconfigured(
            f"changelog {source.changelog} has {found} partitions; expected {expected}, as its source "
            f"{source.topic.get_topic_name()}. Delete the changelog to count anew from the committed offsets"
        )
