"""Topics: settings in, every Kafka topic as it has to be out; made or compared on a broker."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from dataflow.catalogue.declared import (
    INGEST_RUNS,
    INGESTED_INPUTS,
    OWN_TOPICS,
    STREAMS,
    TOPICS,
    streams_named,
)
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS_FILTERED
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.boot import CHANGELOG_SETTINGS
from dataflow.engine.topology import changelog_of
from dataflow.kafka.admin import Admin, NewTopic, with_admin
from dataflow.kafka.clients import running
from dataflow.settings import Settings


def read_topics(settings: Settings) -> tuple[str, ...]:
    """Return the topics that agents read; each has a changelog."""
    typed = (CDN_LOGS_FILTERED.name,) if settings.types_cdn_logs else ()
    return (*(stream.topic for stream in STREAMS), *typed)


def declared_topics(settings: Settings, *, with_changelogs: bool = True) -> tuple[DeclaredTopic, ...]:
    """Return every topic Dataflow needs.

    A changelog has as many partitions as its source: a partition's tables move with it. Those of streams that
    the settings leave to other workers are theirs.
    """
    declared = [
        replace(topic, partitions=topic.partitions or settings.partitions)
        for topic in (*TOPICS.values(), *OWN_TOPICS)
    ]
    chosen = {topic for stream in streams_named(settings.streams) or STREAMS for topic in stream.topics}
    changelogs = [
        DeclaredTopic(
            changelog_of(settings.app_id, topic),
            f"tables counted from {topic}",
            configs=CHANGELOG_SETTINGS,
            partitions=settings.partitions,
            beside=topic,
        )
        for topic in read_topics(settings)
        if with_changelogs and topic in chosen
    ]
    return (*declared, *changelogs)


KNOWN_TRIES, KNOWN_SECONDS = 50, 0.1
"""So long is waited until a broker knows a topic that another worker has just made."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One property of a topic that is not as declared; `found` is None for a missing topic."""

    topic: str
    subject: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        found = "missing" if self.found is None else f"'{self.found}'"
        return f"{self.subject} of topic {self.topic} is {found}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What was made, and what is not as declared after that."""

    created: tuple[str, ...]
    differences: tuple[Difference, ...]
    hidden: tuple[str, ...] = ()
    """Topics that we may not describe: they may be there."""


async def existing_topics(connection: Mapping[str, object]) -> dict[str, int]:
    """Return how many partitions each topic of the broker has."""
    async with running(Admin(connection)) as admin:
        return await admin.partition_counts()


async def ensure_topics(
    connection: Mapping[str, object], topics: Iterable[DeclaredTopic], *, create: bool = True
) -> TopicReport:
    """Make the topics that are missing, if `create`; what exists is compared and never altered.

    Several workers may do so at once. Raises `Misconfigured` when the broker refuses to make a topic.
    """
    async with running(Admin(connection)) as admin:
        return await _ensure(admin, tuple(topics), create=create)


async def wait_for_topics(connection: Mapping[str, object], topics: Iterable[DeclaredTopic]) -> TopicReport:
    """Do the same at the start of a worker, which waits for a broker that is away, or goes meanwhile.

    Of several brokers one may have died a moment ago, while the others still list it.
    """
    declared = tuple(topics)
    return await with_admin(connection, lambda admin: _ensure(admin, declared, create=True))


async def _ensure(admin: Admin, declared: Sequence[DeclaredTopic], *, create: bool) -> TopicReport:
    created: tuple[str, ...] = ()
    partitions = await admin.partition_counts()
    missing = {topic.name for topic in declared} - partitions.keys()
    hidden = await admin.hidden(missing)
    if create:
        created = await admin.create_topics(
            NewTopic(topic.name, partitions.get(topic.beside or "", topic.partitions), topic.configs)
            for topic in declared
            if topic.name in missing - hidden
        )
    compared = [topic for topic in declared if topic.name not in {*created, *hidden}]
    made_by_others = missing - hidden - {*created} if create else set()
    partitions = await _known(admin, made_by_others)
    return TopicReport(created, await _differences(admin, compared, partitions), tuple(sorted(hidden)))


async def _known(admin: Admin, made: AbstractSet[str]) -> dict[str, int]:
    """Return how many partitions each topic has, once the broker knows those that others have made.

    Another broker may have answered them first. After a while they are left out, as missing.
    """
    partitions = await admin.partition_counts()
    for _ in range(KNOWN_TRIES):
        if made <= partitions.keys():
            break
        await asyncio.sleep(KNOWN_SECONDS)
        partitions = await admin.partition_counts()
    return partitions


async def grow_topics(connection: Mapping[str, object], app_id: str) -> dict[str, int]:
    """Add the partitions that belong to what is new; return which topics have grown, and to how many.

    Changelogs get as many as their sources have, topics with a partition for each stream one for each.
    Raises `KafkaError` when the broker refuses.
    """
    async with running(Admin(connection)) as admin:
        counts = await admin.partition_counts()
        changelogs = {changelog_of(app_id, topic): count for topic, count in counts.items()}
        wanted = changelogs | {topic.name: topic.partitions for topic in (INGESTED_INPUTS, INGEST_RUNS)}
        grown = {name: count for name, count in wanted.items() if 0 < counts.get(name, 0) < count}
        await admin.grow(grown)
        return grown


async def _differences(
    admin: Admin, compared: Sequence[DeclaredTopic], partitions: Mapping[str, int]
) -> tuple[Difference, ...]:
    """List what differs, but of what was just made: every broker may not yet know it, and it is right."""
    configs = await admin.readable_configs(
        {topic.name: topic.configs.keys() for topic in compared if topic.name in partitions}
    )
    rows = []
    for topic in compared:
        if topic.name not in partitions:
            rows.append(Difference(topic.name, "partitions", str(topic.partitions), None))
            continue
        rows += _partitions_differ(topic, partitions)
        found = configs.get(topic.name, topic.configs)
        rows += [
            Difference(topic.name, subject, value, found.get(subject))
            for subject, value in topic.configs.items()
            if found.get(subject) != value
        ]
    return tuple(rows)


def _partitions_differ(topic: DeclaredTopic, partitions: Mapping[str, int]) -> Iterator[Difference]:
    """Yield that a topic has too few partitions, or another number than the one that it belongs to."""
    found, expected = partitions[topic.name], partitions.get(topic.beside or "", topic.partitions)
    if found < expected or (topic.beside is not None and found != expected):
        yield Difference(topic.name, "partitions", str(expected), str(found))
