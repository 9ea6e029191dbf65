"""Topics: settings in, every Kafka topic as it has to be out; made or compared on a broker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from dataflow.engine.boot import CHANGELOG_SETTINGS
from dataflow.errors import Misconfigured
from dataflow.settings import Settings
from dataflow.settings.inputs import INGESTED_STREAMS

_DAY_MS = 24 * 60 * 60 * 1000
_BROKER_DECIDES = -1

CDN_LOGS = "cdn-logs"
CDN_LOGS_FILTERED = "cdn-logs-filtered"
EXPEDIA = "expedia"
EXPEDIA_EXT = "expedia_ext"
EXPEDIA_TEST = "expedia_test"
RAW_WEB_EVENTS = "raw-web-events"
ENRICHED_WEB_EVENTS = "enriched-web-events"
ACCESS_LOGS = "access-logs"
ACCESS_LOGS_PARSED = "access-logs-parsed"
CDN_LOGS_PARSED = "cdn-logs-parsed"
ANALYTICS_EVENTS = "analytics-events"
EVENTS_SIMULATION = "events-simulation"
DEAD_LETTERS = "dead-letters"
DEAD_LETTERS_REPLAYED = "dead-letters-replayed"
INGESTED_INPUTS = "ingested-inputs"
INGEST_RUNS = "ingest-runs"
FILTER_RULES = "filter-rules"
UTM_SOURCES = "utm-sources"

SOURCES = (CDN_LOGS, EXPEDIA, RAW_WEB_EVENTS, ACCESS_LOGS, ANALYTICS_EVENTS, DEAD_LETTERS)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it has to be; `configs` by Kafka's own names."""

    name: str
    holds: str
    partitions: int
    configs: Mapping[str, str]

    @property
    def retention_days(self) -> int | None:
        """How long a message is kept; None where the last one of every key is."""
        retention_ms = self.configs.get("retention.ms")
        return None if retention_ms is None else int(retention_ms) // _DAY_MS


def _kept_for(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}


_WEEK = _kept_for(7)
# Whatever came in has to fit in here, together with its reason and origin. Kept for a month from the
# day on which it became a dead letter; the time of the record itself, maybe years ago, is in a header.
_DEAD_LETTERS = {
    **_kept_for(30),
    "max.message.bytes": str(2 << 20),
    "message.timestamp.type": "LogAppendTime",
}
_LAST_OF_KEY = {"cleanup.policy": "compact"}
# Whether one still lives is judged by one clock, the broker's.
_JUDGED_BY_BROKER = {**_kept_for(1), "message.timestamp.type": "LogAppendTime"}

_STREAMS = (
    (CDN_LOGS, "CDN log lines as DataStream 2 sends them", _WEEK),
    (CDN_LOGS_FILTERED, "CDN log lines that passed the filter, byte for byte", _WEEK),
    (EXPEDIA, "bookings", _WEEK),
    (EXPEDIA_EXT, "bookings with their stay category", _WEEK),
    (EXPEDIA_TEST, "hotel and stay category of each booking", _WEEK),
    (RAW_WEB_EVENTS, "page views", _WEEK),
    (ENRICHED_WEB_EVENTS, "page views with source category and e-mail domain", _WEEK),
    (ACCESS_LOGS, "access log lines of web servers, as they are written", _WEEK),
    (ACCESS_LOGS_PARSED, "access log lines as JSON, with user agent and place", _WEEK),
    (CDN_LOGS_PARSED, "CDN log lines with typed fields", _WEEK),
    (ANALYTICS_EVENTS, "analytics events of apps", _WEEK),
    (EVENTS_SIMULATION, "who simulates analytics events, and whether it lives", _JUDGED_BY_BROKER),
    (DEAD_LETTERS, "events that could not be used, with reason and origin", _DEAD_LETTERS),
    (DEAD_LETTERS_REPLAYED, "which dead letters were sent back to their topics", _LAST_OF_KEY),
)


CHANGED_WHILE_IT_RUNS = (
    # One partition: its order decides which version is the last.
    Topic(FILTER_RULES, "rules of the CDN filter, the last version counts", 1, _LAST_OF_KEY),
    Topic(UTM_SOURCES, "marketing categories by utm_source, the last version counts", 1, _LAST_OF_KEY),
)
# A partition for each stream: no transaction of one holds up who reads another.
_INPUTS = (
    Topic(
        INGESTED_INPUTS, "files and objects that were read, and how far", len(INGESTED_STREAMS), _LAST_OF_KEY
    ),
    Topic(INGEST_RUNS, "who reads inputs, and whether it lives", len(INGESTED_STREAMS), _JUDGED_BY_BROKER),
)


def changelog_name(app_id: str, source: str) -> str:
    """Return the topic that keeps the tables counted from one source topic."""
    return f"{app_id}-{source}-changelog"


def declared_topics(settings: Settings) -> tuple[Topic, ...]:
    """Return every topic Dataflow needs.

    A changelog has as many partitions as its source: a partition's tables move with it.
    """
    streams = [Topic(name, holds, settings.partitions, configs) for name, holds, configs in _STREAMS]
    changelogs = [
        Topic(
            changelog_name(settings.app_id, source),
            f"tables counted from {source}",
            settings.partitions,
            CHANGELOG_SETTINGS,
        )
        for source in SOURCES
    ]
    return (*streams, *CHANGED_WHILE_IT_RUNS, *_INPUTS, *changelogs)


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
