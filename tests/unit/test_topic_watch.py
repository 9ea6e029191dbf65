"""Topic watch: what Prometheus is told of topics that are not as declared."""

from dataclasses import replace

import pytest

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import LAST_OF_EACH_KEY, kept_for
from dataflow.provisioning.kafka_acls import Kind, Operation, acls_of
from dataflow.settings import Role, Settings
from dataflow.topic_watch import retention_seconds, subject_of, watched_topics
from dataflow.topics import Difference

[BOOKINGS, *_] = TOPICS.values()
WEEK, DAY = (
    replace(BOOKINGS, name="week", configs=kept_for(7)),
    replace(BOOKINGS, name="day", configs=kept_for(1)),
)
COMPACTED = replace(BOOKINGS, name="compacted", configs=LAST_OF_EACH_KEY)


@pytest.mark.parametrize("role", Role)
def test_a_worker_watches_only_what_it_may_describe(role):
    """A topic that the broker hides looks missing: each ingest worker and sink told so of all changelogs."""
    settings = Settings(role=role)
    described = Operation.DESCRIBE_CONFIGS
    allowed = {
        acl.name for acl in acls_of(role, settings) if (acl.kind, acl.operation) == (Kind.TOPIC, described)
    }
    assert {topic.name for topic in watched_topics(settings)} <= allowed


def test_who_counts_watches_changelogs():
    """A changelog that retention empties loses tables."""
    names = {topic.name for topic in watched_topics(Settings(role=Role.ENRICH))}
    assert {"dataflow-expedia-changelog", "expedia"} <= names


def test_a_worker_of_some_streams_watches_their_changelogs_alone():
    """Those of the others may not be there yet, and are watched by their own workers."""
    names = {topic.name for topic in watched_topics(Settings(role=Role.ENRICH, streams=("access-logs",)))}
    changelogs = {name for name in names if name.endswith("-changelog")}
    assert changelogs == {"dataflow-access-logs-changelog"}
    assert {"expedia", "expedia_ext"} <= names


def test_records_are_kept_as_long_as_declared():
    """What is compacted is kept for ever, and no lag is too large for it."""
    assert retention_seconds([WEEK, DAY, COMPACTED], []) == {"week": 604_800, "day": 86_400}


@pytest.mark.parametrize(("found", "seconds"), [("3600000", {"week": 3_600}), ("-1", {}), (None, {})])
def test_what_the_broker_says_goes_before_what_is_declared(found, seconds):
    """Else the alert would come when the records are gone."""
    assert retention_seconds([WEEK], [Difference("week", "retention.ms", "604800000", found)]) == seconds


def test_a_topic_that_is_missing_keeps_nothing():
    """It is told of as missing, not as one with other partitions."""
    missing = Difference("week", "partitions", "4", None)
    assert (subject_of(missing), retention_seconds([WEEK], [missing])) == ("missing", {})


def test_another_difference_changes_no_retention():
    """Partitions are added by hand as the load grows."""
    more = Difference("week", "partitions", "4", "8")
    assert (subject_of(more), retention_seconds([WEEK], [more])) == ("partitions", {"week": 604_800})
