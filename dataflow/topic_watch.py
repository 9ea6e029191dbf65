"""Topic watch: looks now and then whether topics are as declared, and how long they keep records."""

from collections.abc import Iterable, Mapping, Sequence

from mode import Service

from dataflow import metrics
from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.errors import Misconfigured
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log
from dataflow.settings import Role, Settings
from dataflow.topics import Difference, declared_topics, ensure_topics

log = get_log(__name__)

DIFFERENCES = metrics.gauge("dataflow_topic_differences")
RETENTION = metrics.gauge("dataflow_topic_retention_seconds")

LOOK_SECONDS = 300.0
RETENTION_MS = "retention.ms"
MISSING = "missing"


class TopicWatch(Service):
    """Tells Prometheus; what cannot be found out is left out."""

    def __init__(self, settings: Settings, connection: Mapping[str, object]) -> None:
        super().__init__()
        self._settings = settings
        self._connection = connection

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                await self._look()
            except (KafkaError, Misconfigured, OSError, TimeoutError) as error:
                log.debug("Topics cannot be compared.", error=error)
            await self.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        declared = watched_topics(self._settings)
        report = await ensure_topics(self._connection, declared, create=False)
        DIFFERENCES.clear()
        for difference in report.differences:
            DIFFERENCES.labels(difference.topic, subject_of(difference)).set(1)
        RETENTION.clear()
        streamed = [topic for topic in declared if topic.name in TOPICS]
        for name, seconds in retention_seconds(streamed, report.differences).items():
            RETENTION.labels(name).set(seconds)


def watched_topics(settings: Settings) -> tuple[DeclaredTopic, ...]:
    """Return what a worker of this role may describe: changelogs would look missing to one without tables."""
    return declared_topics(settings, with_changelogs=settings.role in {Role.ALL, Role.ENRICH})


def subject_of(difference: Difference) -> str:
    """Return what differs: a setting of Kafka, partitions, or the topic itself."""
    return MISSING if difference.found is None else difference.subject


def retention_seconds(
    declared: Iterable[DeclaredTopic], differences: Sequence[Difference]
) -> Mapping[str, float]:
    """Return how long the broker keeps records of each topic that is there, unless it is for ever."""
    found = {topic.name: topic.configs.get(RETENTION_MS) for topic in declared}
    for difference in differences:
        if difference.topic in found and subject_of(difference) in {MISSING, RETENTION_MS}:
            found[difference.topic] = difference.found
    return {name: int(ms) / 1000 for name, ms in found.items() if ms is not None and int(ms) >= 0}
