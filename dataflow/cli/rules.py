"""`dataflow rules`: shows, checks, changes and tries the rules of the CDN filter."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.document_history import add_history_commands
from dataflow.cli.documents import add_commands, document_of, last_version_of, read_file
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, say, table_of
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.stages.filter_dry_run import DryRun

rules = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check, change and try the rules of the CDN filter.\n\n\b\nExample:\n"
    "  dataflow rules show > rules.json\n"
    "  dataflow rules dry-run --rules rules.json --topic cdn-logs\n"
    "  dataflow rules put rules.json --follows 7\n"
    "  dataflow rules revert 6",
)


add_commands(
    rules,
    "filter-rules",
    shown="Print the rules that all workers use, or those of another version; their version is on stderr.\n\n"
    "\b\nExample:\n  dataflow rules show | jq .",
    checked="Check a file of rules; nothing is changed, and no broker is asked.\n\n"
    "\b\nExample:\n  dataflow rules check rules.json",
    written="Make the rules of a file those of all workers, within seconds and without a restart.\n\n"
    "Bad rules change nothing, nor does a version that somebody else has changed.\n\n"
    "\b\nExample:\n  dataflow rules put rules.json --follows 7",
)
add_history_commands(rules, "filter-rules", "rules")


@rules.command("dry-run")
def dry_run(
    lines: Annotated[Path | None, typer.Argument(help="Plain or gzip lines; - is stdin.")] = None,
    rules: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Rules to try; else those that all workers use."),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Instead of lines: the last records of a topic.")] = None,
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many of them.")] = 10_000,
) -> None:
    """Show what rules would drop, and by which rule; nothing is changed or sent.

    \b
    Example:
      dataflow rules dry-run cdn.ndjson.gz --rules rules.json
      dataflow rules dry-run --topic cdn-logs --last 100000
    """
    if (lines is None) == (topic is None):
        raise Misconfigured("LINES and --topic are both given, or neither; expected one of them")
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
        notes().print("the time was up before the last line", style="yellow")
