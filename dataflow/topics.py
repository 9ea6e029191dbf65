"""Topics: settings in, every Kafka topic as it has to be out; made or compared on a broker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dataflow.catalogue.declared import STREAMS, TOPICS
from dataflow.catalogue.own_topics import OWN_TOPICS
from dataflow.catalogue.topic import DAY_MS, DeclaredTopic
from dataflow.engine.boot import CHANGELOG_SETTINGS
from dataflow.kafka.admin import Admin, NewTopic
from dataflow.kafka.clients import running
from dataflow.settings import Settings


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
    async with running(Admin(connection)) as admin:
        return await admin.partition_counts()


async def check_topics(connection: Mapping[str, object], topics: Iterable[Topic]) -> tuple[Difference, ...]:
    """Compare the broker's topics with the declared ones, and change nothing."""
    async with running(Admin(connection)) as admin:
        return await _differences(admin, tuple(topics))


async def ensure_topics(connection: Mapping[str, object], topics: Iterable[Topic]) -> TopicReport:
    """Make the topics that are missing; what exists is compared and never altered.

    Several workers may do so at once. Raises `Misconfigured` when the broker
    refuses to make a topic.
    """
    declared = tuple(topics)
    async with running(Admin(connection)) as admin:
        present = await admin.partition_counts()
        created = await admin.create_topics(
            NewTopic(topic.name, topic.partitions, topic.configs)
            for topic in declared
            if topic.name not in present
        )
        return TopicReport(created, await _differences(admin, declared, just_made=created))


async def _differences(
    admin: Admin, declared: Sequence[Topic], just_made: Sequence[str] = ()
) -> tuple[Difference, ...]:
    """List what differs; every broker may not yet know what was just made, and that is right."""
    compared = [topic for topic in declared if topic.name not in just_made]
    partitions = await admin.partition_counts()
    configs = await admin.configs(
        {topic.name: topic.configs.keys() for topic in compared if topic.name in partitions}
    )
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
