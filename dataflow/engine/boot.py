"""Before the first event: wait for the broker, make the changelogs, compare partition counts."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from dataflow.engine.topology import Source
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin, NewTopic, with_admin
from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log

log = get_log(__name__)

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
    """Make and grow changelogs; return how many partitions every topic has that we may describe.

    Raises `Misconfigured` for a topic that is missing. A changelog with more partitions than its source is
    left as it is: the tables of a partition are kept in that of the same number, and its stream pauses.
    """
    names = {source.topic.get_topic_name() for source in sources} | set(outputs)

    async def work(admin: Admin) -> dict[str, int]:
        """Look for the topics, and make the changelogs."""
        counts = await admin.partition_counts(names)
        hidden = await admin.hidden(names - counts.keys())
        missing = sorted(names - counts.keys() - hidden)
        if missing:
            raise Misconfigured(
                f"topics {', '.join(missing)} do not exist on {connection['bootstrap_servers']}; "
                "expected all topics to be there. Make them with `dataflow topics --create`"
            )
        wanted = {s.changelog: counts[name] for s in sources if (name := s.topic.get_topic_name()) in counts}
        await make_changelogs(admin, wanted)
        return counts

    return await with_admin(connection, work)


async def find_outputs(connection: Mapping[str, object], names: AbstractSet[str]) -> dict[str, int]:
    """Return how many partitions these topics have; raise `Misconfigured` if one is missing."""
    async with running(Admin(connection)) as admin:
        counts = await admin.partition_counts(names)
    missing = sorted(names - counts.keys())
    if missing:
        raise Misconfigured(f"topics {', '.join(missing)} do not exist; expected all outputs to be there")
    return counts


async def make_changelogs(admin: Admin, wanted: Mapping[str, int]) -> None:
    """Make changelogs that are missing, and give those more partitions whose sources have been given some.

    Where we may not, and where a source has too few, their streams pause.
    """
    existing = await admin.partition_counts(wanted)
    hidden = await admin.hidden(wanted.keys() - existing.keys())
    made = wanted.keys() - existing.keys() - hidden
    await admin.create_topics(NewTopic(name, wanted[name], CHANGELOG_SETTINGS) for name in made)
    # The broker answers before it knows the topic everywhere.
    while made - (await admin.partition_counts(made)).keys():  # noqa: ASYNC110 - nothing here could set an event
        await asyncio.sleep(MADE_POLL_SECONDS)
    await grow(admin, {name: wanted[name] for name, found in existing.items() if found < wanted[name]})


async def grow(admin: Admin, counts: Mapping[str, int]) -> bool:
    """Give changelogs so many partitions; tell whether any has grown, and log those that we may not alter."""
    try:
        await admin.grow(counts)
    except KafkaError as error:
        log.debug("Changelogs cannot be grown.", error=error)
        return False
    for name, count in counts.items():
        log.warning("Changelog has grown with its source.", topic=name, partitions=count)
    return bool(counts)
