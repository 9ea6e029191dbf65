"""Topics: settings in, every Kafka topic as it has to be out; made or compared on a broker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from dataflow.catalogue.declared import STREAMS, TOPICS
from dataflow.catalogue.own_topics import OWN_TOPICS
from dataflow.catalogue.topic import DAY_MS, DeclaredTopic
from dataflow.engine.boot import CHANGELOG_SETTINGS
from dataflow.errors import Misconfigured
from dataflow.settings import Settings

_BROKER_DECIDES = -1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it has to be; `configs` by Kafka's own names."""

    name: str
    holds: str
    partitions: int
    configs: Mapping[str, str]

    @classmethod
    def of(cls, declared: DeclaredTopic, partitions: int) -> "Topic":
        """Return a declared topic, with as many partitions if it leaves their number to the settings."""
        return cls(declared.name, declared.holds, declared.partitions or partitions, declared.configs)

    @property
    def retention_days(self) -> int | None:
        """How long a message is kept; None where the last one of every key is."""
        retention_ms = self.configs.get("retention.ms")
        return None if retention_ms is None else int(retention_ms) // DAY_MS


def changelog_name(app_id: str, source: str) -> str:
    """Return the topic that keeps the tables counted from one source topic."""
    return f"{app_id}-{source}-changelog"


def declared_topics(settings: Settings) -> tuple[Topic, ...]:
    """Return every topic Dataflow needs.

    A changelog has as many partitions as its source: a partition's tables move with it.
    """
    declared = [Topic.of(topic, settings.partitions) for topic in (*TOPICS.values(), *OWN_TOPICS)]
    changelogs = [
        Topic(
            changelog_name(settings.app_id, stream.source.name),
            f"tables counted from {stream.source.name}",
            settings.partitions,
            CHANGELOG_SETTINGS,
        )
        for stream in STREAMS
    ]
    return (*declared, *changelogs)


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


async def existing_topics(connection: Mapping[str, object]) -> dict[str, int]:
    """Return how many partitions each topic of the broker has."""
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()


async def check_topics(connection: Mapping[str, Any], topics: Iterable[Topic]) -> tuple[Difference, ...]:
    """Compare the broker's topics with the declared ones, and change nothing.

    `connection` is what an aiokafka client takes: bootstrap_servers and security.
    """
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        return await _differences(admin, tuple(topics))
    finally:
        await admin.close()


async def ensure_topics(connection: Mapping[str, Any], topics: Iterable[Topic]) -> TopicReport:
    """Make the topics that are missing; what exists is compared and never altered.

    Several workers may do so at once. Raises `Misconfigured` when the broker
    refuses to make a topic.
    """
    declared = tuple(topics)
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        present = await admin.list_topics()
        created = await _create(admin, [topic for topic in declared if topic.name not in present])
        return TopicReport(created, await _differences(admin, declared, just_made=created))
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic]) -> tuple[str, ...]:
    if not missing:
        return ()
    answer = await admin.create_topics(
        [
            # Without the empty assignments aiokafka refuses to leave the copies to the broker.
            NewTopic(topic.name, topic.partitions, _BROKER_DECIDES, {}, dict(topic.configs))
            for topic in missing
        ]
    )
    created = []
    for name, code, message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != TopicAlreadyExistsError.errno:  # another worker was quicker
            raise Misconfigured(
                f"topic {name} is refused by the broker: {message or for_code(code).__name__}"
            )
    return tuple(created)


async def _differences(
    admin: AIOKafkaAdminClient, declared: Sequence[Topic], just_made: Sequence[str] = ()
) -> tuple[Difference, ...]:
    """List what differs; every broker may not yet know what was just made, and that is right."""
    compared = [topic for topic in declared if topic.name not in just_made]
    described = await admin.describe_topics()
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    present = [topic for topic in compared if topic.name in partitions]
    configs = await _configs_of(admin, present)
    rows = []
    for topic in compared:
        if topic.name not in partitions:
            rows.append(Difference(topic.name, "partitions", str(topic.partitions), None))
            continue
        found = {"partitions": str(partitions[topic.name]), **configs[topic.name]}
        expected = {"partitions": str(topic.partitions), **topic.configs}
        rows += [
            Difference(topic.name, subject, value, found.get(subject))
            for subject, value in expected.items()
            if found.get(subject) != value
        ]
    return tuple(rows)


async def _configs_of(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.configs)) for topic in topics
    ]
    configs = {}
    for answer in await admin.describe_configs(asked):
        for code, message, _, name, entries, *_ in answer.resources:
            if code:
                raise Misconfigured(f"settings of topic {name} are kept back by the broker: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs
