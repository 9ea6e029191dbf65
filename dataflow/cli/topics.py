"""`dataflow topics`: creates missing topics, and reports all differences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.catalogue.topic import DeclaredTopic
    from dataflow.topics import TopicReport


def topics(
    create: Annotated[
        bool, typer.Option("--create/--check", help="Create missing topics, or only compare.")
    ] = True,
    grow: Annotated[
        bool, typer.Option("--grow", help="Give changelogs as many partitions as their topics have now.")
    ] = False,
) -> None:
    """Create missing topics and check the others.

    It compares partitions, and settings such as compaction and retention. Topics that exist are not
    altered; only --grow adds partitions. The exit code is 1 if a topic differs, is missing, or is hidden
    from this user. In a pipe the output is JSON.

    \b
    Example:
      dataflow topics
      DATAFLOW_BROKER=kafka:9092 dataflow topics --check
      dataflow topics --grow
    """
    from dataflow.settings import settings
    from dataflow.topics import declared_topics, ensure_topics

    if grow:
        _grow(settings().app_id, is_check=not create)
    declared = declared_topics(settings())
    report = ask_broker(lambda connection: ensure_topics(connection, declared, create=create))
    _show(declared, report)
    if report.differences or report.hidden:
        raise typer.Exit(1)


def _grow(app_id: str, *, is_check: bool) -> None:
    from dataflow.topics import grow_topics

    if is_check:
        raise Misconfigured("--grow is given with --check, which changes nothing; expected one of them")
    grown = ask_broker(lambda connection: grow_topics(connection, app_id))
    for changelog, count in grown.items():
        notes().print(f"{changelog} has {count} partitions now", soft_wrap=True)


def _show(declared: Sequence["DeclaredTopic"], report: "TopicReport") -> None:
    states = {difference.topic: "differs" for difference in report.differences}
    states |= dict.fromkeys(report.created, "made") | dict.fromkeys(report.hidden, "hidden")
    rows = [
        (topic.name, states.get(topic.name, "as declared"), topic.partitions, _kept(topic), topic.holds)
        for topic in declared
    ]
    if people_read():
        page().print(table_of(("topic", "state", "partitions", "kept", "holds"), rows))
        for difference in report.differences:
            notes().print(str(difference), style="yellow", soft_wrap=True)
    else:
        names = ("name", "partitions", "configs", "holds")
        described = [{name: getattr(topic, name) for name in names} for topic in declared]
        print_json(
            {
                "topics": described,
                "created": report.created,
                "hidden": report.hidden,
                "differences": report.differences,
            }
        )


def _kept(topic: "DeclaredTopic") -> str:
    days = topic.retention_days
    return "the last of each key" if days is None else f"{days} days"
