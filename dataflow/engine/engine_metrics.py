"""Engine metrics: what a worker's sessions, checkpoints and queries tell Prometheus."""

from collections.abc import Iterable
from typing import Final

from dataflow import metrics
from dataflow.engine.topic_identity import TopicMadeAnew
from dataflow.kafka.errors import (
    BROKER_AWAY,
    DENIED,
    NO_MEMBER,
    Fenced,
    RecordsRefused,
    TimestampsRefused,
)

CHECKPOINT_SECONDS = metrics.histogram("dataflow_checkpoint_seconds")
CHECKPOINT_FAILURES = metrics.counter("dataflow_checkpoint_failures_total")
CHANGELOG_BYTES = metrics.counter("dataflow_changelog_written_bytes_total")
RECOVERY_LEFT = metrics.gauge("dataflow_recovery_left_records")
LOST_RECORDS = metrics.counter("dataflow_lost_records_total")
MISSING_PARTITIONS = metrics.counter("dataflow_query_missing_partitions_total")

OTHER_CAUSE: Final = "other"
CAUSES: Final[dict[str, type[BaseException] | tuple[type[BaseException], ...]]] = {
    "fenced": Fenced,
    "topic_made_anew": TopicMadeAnew,
    "timestamps_refused": TimestampsRefused,
    "records_refused": RecordsRefused,
    "access_denied": DENIED,
    "no_member": NO_MEMBER,
    "timeout": TimeoutError,
    "broker_away": BROKER_AWAY,
}
"""Why a checkpoint fails: the closed set of the metric's label; the first that fits."""

for _cause in (*CAUSES, OTHER_CAUSE):  # so that the first rise is seen
    CHECKPOINT_FAILURES.labels(_cause)


def show(sources: Iterable[str]) -> None:
    """Have the series of these source topics before anything is counted: the first rise is seen."""
    for topic in sources:
        for metric in (CHANGELOG_BYTES, LOST_RECORDS, MISSING_PARTITIONS):
            metric.labels(topic)


def cause_of(error: BaseException) -> str:
    """Return why a checkpoint has failed, as the metric says it."""
    for fault in (error, error.__cause__):
        for cause, errors in CAUSES.items():
            if isinstance(fault, errors):
                return cause
    return OTHER_CAUSE
