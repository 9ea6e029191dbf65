"""`dataflow topics`: creates missing topics, and reports all differences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

if TYPE_CHECKING:
    from dataflow.catalogue.topic import DeclaredTopic
    from dataflow.topics import TopicReport


def topics(
    create: Annotated[
        bool, typer.Option("--create/--check", help="Create missing topics, or only compare.")
    ] = True,
) -> None:
    """Create missing topics and check the others.

    Partitions and settings such as compaction and retention are compared. Existing
    topics are never altered. The exit code is 1 if any topic differs or is missing. In
    a pipe the output is JSON.

    \b
    Example:
      dataflow topics
      DATAFLOW_BROKER=kafka:9092 dataflow topics --check
    """
    from dataflow.cli.kafka import run_with_broker
    from dataflow.connection import broker_connection
    from dataflow.settings import settings
    from dataflow.topics import TopicReport, check_topics, declared_topics, ensure_topics

    connection = broker_connection(settings())
    declared = declared_topics(settings())
    if create:
        report = run_with_broker(connection, ensure_topics(connection, declared))
    else:
        report = TopicReport((), run_with_broker(connection, check_topics(connection, declared)))
    _show(declared, report)
    if report.differences:
        raise typer.Exit(1)


def _show(declared: Sequence["DeclaredTopic"], report: "TopicReport") -> None:
    differing = {difference.topic for difference in report.differences}
    rows = []
    for topic in declared:
        state = (
            "made"
            if topic.name in report.created
            else "differs"
            if topic.name in differing
            else "as declared"
        )
        rows.append((topic.name, state, topic.partitions, _kept(topic), topic.holds))
    if people_read():
        page().print(table_of(("topic", "state", "partitions", "kept", "holds"), rows))
        for difference in report.differences:
            notes().print(str(difference), style="yellow", soft_wrap=True)
    else:
        print_json({"topics": [_as_json(topic) for topic in declared], **_report_as_json(report)})


def _kept(topic: "DeclaredTopic") -> str:
    days = topic.retention_days
    return "the last of each key" if days is None else f"{days} days"


def _as_json(topic: "DeclaredTopic") -> dict[str, object]:
    return {
        "name": topic.name,
        "partitions": topic.partitions,
        "configs": topic.configs,
        "holds": topic.holds,
    }


def _report_as_json(report: "TopicReport") -> dict[str, object]:
    return {
        "created": report.created,
        "differences": [
            {"topic": row.topic, "subject": row.subject, "expected": row.expected, "found": row.found}
            for row in report.differences
        ],
    }
