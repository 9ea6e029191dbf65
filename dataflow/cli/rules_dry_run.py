"""Dry run of filter rules: over the lines of a file, or the last records of a topic."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dataflow.cli.documents import document_of, last_version_of
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, table_of

if TYPE_CHECKING:
    from dataflow.stages.filter_dry_run import DryRun


def try_rules(raw: bytes | None, lines: Path | None, topic: str | None, last: int) -> "DryRun":
    """Judge lines by these rules, or by those that all workers use."""
    from dataflow.cli.lines import lines_of
    from dataflow.rules.dry_run import last_records, try_lines
    from dataflow.stages.filter_document import read_document

    used = read_document(last_version_of(document_of("filter-rules")).raw if raw is None else raw, "rules")
    if lines is not None:
        with lines_of(lines) as sent:
            return asyncio.run(try_lines(used, sent))
    records = ask_broker(lambda connection: last_records(connection, topic or "", last))
    return asyncio.run(try_lines(used, records))


def show_dry_run(dry_run: "DryRun") -> None:
    """Print a dry run as a table."""
    counts: Mapping[str, int] = {"(kept)": dry_run.kept, **dry_run.dropped}
    rows = [(name, number, (dry_run.examples.get(name) or [""])[0][:80]) for name, number in counts.items()]
    dead = [(f"dead letter: {reason}", number, "") for reason, number in dry_run.dead_lettered.items()]
    page().print(table_of(("rule", "lines", "for example"), rows + dead, f"{dry_run.lines:,} lines"))
    for topic, number in dry_run.outputs.items():
        typer.echo(f"{number:,} to {topic}")
    if not dry_run.complete:
        notes().print("the time was up before the last line", style="yellow")
