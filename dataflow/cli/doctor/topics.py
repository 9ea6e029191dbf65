"""Topics: whether all are there and as declared, and changelogs fit their sources."""

from collections.abc import AsyncIterator, Mapping, Sequence

from dataflow.cli.doctor.finding import Examined, Finding, error, ok, warning
from dataflow.engine.topology import changelog_of
from dataflow.kafka.connection import principal_of
from dataflow.topics import Difference, declared_topics, ensure_topics, read_topics

CHECK = "topics"
LOSES = ("cleanup.policy",)
"""Settings by which records are lost that have to be kept."""


async def topics(examined: Examined) -> AsyncIterator[Finding]:
    """Compare all topics with their declarations; partitions are for the operator to choose."""
    declared = declared_topics(examined.settings)
    report = await ensure_topics(examined.connection, declared, create=False)
    differences = [one for one in report.differences if one.found is None or one.subject != "partitions"]
    for difference in differences:
        yield _finding(difference)
    if report.hidden:
        yield _hidden(report.hidden, examined)
    if not differences and not report.hidden:
        yield ok(CHECK, f"all {len(declared)} topics exist, with the settings that they need")
    async for finding in _changelogs(examined):
        yield finding


async def _changelogs(examined: Examined) -> AsyncIterator[Finding]:
    counts = await examined.admin.partition_counts()
    for topic in read_topics(examined.settings):
        changelog = changelog_of(examined.settings.app_id, topic)
        found, expected = counts.get(changelog), counts.get(topic)
        if None in (found, expected) or found == expected:
            continue
        yield error(
            CHECK,
            f"{changelog} has {found} partitions, and {topic} has {expected}",
            "the same number: the tables of a partition are in the changelog partition of that number",
            "run `dataflow topics --grow` as a user that may alter topics",
        )


def _hidden(names: Sequence[str], examined: Examined) -> Finding:
    return warning(
        CHECK,
        f"{principal_of(examined.connection)} may not describe {', '.join(names)}: whether they are there is "
        "not known",
        "rights to operation DESCRIBE on them",
        "run it as the user of `dataflow acl commands`, or give this one their rights",
    )


def _finding(difference: Difference) -> Finding:
    found = str(difference).partition("; expected ")[0]
    if difference.found is None:
        return error(
            CHECK, found, difference.expected, "run `dataflow topics` as a user that may create topics"
        )
    alter = (
        f"kafka-configs.sh --alter --entity-type topics --entity-name {difference.topic} "
        f"--add-config {difference.subject}={difference.expected}"
    )
    level = error if difference.subject in LOSES else warning
    return level(CHECK, found, difference.expected, alter)


def retention_ms(configs: Mapping[str, str]) -> int | None:
    """Return how long a topic keeps records; None for one that keeps them for ever."""
    value = int(configs.get("retention.ms", "-1"))
    return None if value < 0 or "delete" not in configs.get("cleanup.policy", "delete") else value
