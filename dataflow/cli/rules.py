"""`dataflow rules`: shows, checks, changes and tries the rules of the CDN filter."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.document_history import add_history_commands
from dataflow.cli.documents import add_commands, document_of, last_version_of, read_file
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, say, table_of
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.stages.filter_dry_run import DryRun

rules = CommandGroup(
    "Show, check, change and try the rules of the CDN filter.\n\n\b\nExample:\n"
    "  dataflow rules show > rules.json\n"
    "  dataflow rules dry-run --rules rules.json --topic cdn-logs\n"
    "  dataflow rules put rules.json --follows 7\n"
    "  dataflow rules revert 6",
)


add_commands(
    rules,
    "filter-rules",
    shown="Print the rules that all workers use, or another version.\n\n"
    "The number of the version goes to stderr.\n\n"
    "\b\nExample:\n  dataflow rules show | jq .",
    checked="Check a file of rules without changing anything.\n\nNo broker is needed.\n\n"
    "\b\nExample:\n  dataflow rules check rules.json",
    written="Make the rules of a file the ones that all workers use.\n\n"
    "They use them within seconds, without a restart. Rules that are not valid change nothing. With\n"
    "--follows, nothing is changed either if somebody else has written another version meanwhile.\n\n"
    "\b\nExample:\n  dataflow rules put rules.json --follows 7",
)
add_history_commands(rules, "filter-rules", "rules")


@rules.command("dry-run")
def dry_run(
    lines: Annotated[
        Path | None, typer.Argument(metavar="LINES", help="File with lines, plain or packed; - is stdin.")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rules to try; default: those that all workers use."),
    ] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Instead of LINES: the last records of a topic.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many records of the topic.")] = 10_000,
) -> None:
    """Show what rules would drop, and by which rule.

    Nothing is changed or sent. In a pipe the output is JSON.

    \b
    Example:
      dataflow rules dry-run cdn.ndjson.gz --rules rules.json
      dataflow rules dry-run --topic cdn-logs --last 100000
    """
    if (lines is None) == (topic is None):
        raise Misconfigured("LINES and --topic are both given, or neither; expected exactly one of them")
    dry_run = _try_rules(read_file(rules) if rules else None, lines, topic, last)
    if people_read():
        _show(dry_run)
    else:
        print_json(dry_run)


def _try_rules(raw: bytes | None, lines: Path | None, topic: str | None, last: int) -> "DryRun":
    from dataflow.cli.lines import lines_of
    from dataflow.rules.dry_run import try_lines, try_topic
    from dataflow.stages.filter_document import read_document

    used = read_document(last_version_of(document_of("filter-rules")).raw if raw is None else raw, "rules")
    if lines is not None:
        with lines_of(lines) as sent:
            return asyncio.run(try_lines(used, sent))
    return ask_broker(lambda connection: try_topic(used, connection, topic or "", last))


def _matched(dry_run: "DryRun", rule: str) -> str:
    """Return by which fields the rule drops its first line, else the line."""
    fields = (dry_run.matched.get(rule) or [{}])[0]
    shown = [f"{name}: {'missing' if value is None else value[:80]}" for name, value in fields.items()]
    return "; ".join(shown) or (dry_run.examples.get(rule) or [""])[0][:80]


def _show(dry_run: "DryRun") -> None:
    counts: Mapping[str, int] = {"(kept)": dry_run.kept, **dry_run.dropped}
    rows = [(name, number, _matched(dry_run, name)) for name, number in counts.items()]
    dead = [(f"dead letter: {reason}", number, "") for reason, number in dry_run.dead_lettered.items()]
    page().print(table_of(("rule", "lines", "for example, by"), rows + dead, f"{dry_run.lines:,} lines"))
    for topic, number in dry_run.outputs.items():
        say(f"{number:,} to {topic}")
    if not dry_run.complete:
        notes().print("The time was up before the last line.", style="yellow")
