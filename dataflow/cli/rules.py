"""`dataflow rules` and `dataflow utm-sources`: what all workers use in or out, or a trial of it."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

if TYPE_CHECKING:
    from dataflow.rules.version import Document, Version
    from dataflow.stages.filter_dry_run import DryRun

rules = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check, change and try the rules of the CDN filter.\n\n\b\nExample:\n"
    "  dataflow rules show > rules.json\n"
    "  dataflow rules dry-run --rules rules.json --topic cdn-logs\n"
    "  dataflow rules put rules.json --follows 7",
)
utm_sources = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check and change the map of UTM sources.\n\n\b\nExample:\n"
    "  dataflow utm-sources show > sources.json\n"
    "  dataflow utm-sources put sources.json --follows 1",
)

File = Annotated[Path, typer.Argument(help="JSON; - is stdin.")]
Follows = Annotated[
    int | None, typer.Option(min=0, help="Version that is changed, as show says it; else whichever it is.")
]


@rules.command("show")
def show_rules() -> None:
    """Print the rules that all workers use; their version is on stderr.

    \b
    Example:
      dataflow rules show | jq .
    """
    _show(_document("filter-rules"))


@rules.command("check")
def check_rules(file: File) -> None:
    """Check a file of rules; nothing is changed, and no broker is asked.

    \b
    Example:
      dataflow rules check rules.json
    """
    _check(_document("filter-rules"), file)


@rules.command("put")
def put_rules(file: File, follows: Follows = None) -> None:
    """Make the rules of a file those of all workers, within seconds and without a restart.

    Bad rules change nothing, nor does a version that somebody else has changed.

    \b
    Example:
      dataflow rules put rules.json --follows 7
    """
    _put(_document("filter-rules"), file, follows)


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
    from dataflow.errors import Misconfigured

    if (lines is None) == (topic is None):
        raise Misconfigured("LINES and --topic are both given, or neither; expected one of them")
    dry_run = _try(_read(rules) if rules else None, lines, topic, last)
    if people_read():
        _show_dry_run(dry_run)
    else:
        print_json(dry_run)


@utm_sources.command("show")
def show_sources() -> None:
    """Print the map that all workers use; its version is on stderr.

    \b
    Example:
      dataflow utm-sources show
    """
    _show(_document("utm-sources"))


@utm_sources.command("check")
def check_sources(file: File) -> None:
    """Check a file; nothing is changed, and no broker is asked.

    \b
    Example:
      dataflow utm-sources check sources.json
    """
    _check(_document("utm-sources"), file)


@utm_sources.command("put")
def put_sources(file: File, follows: Follows = None) -> None:
    """Make the map in a file that of all workers.

    \b
    Example:
      dataflow utm-sources put sources.json
    """
    _put(_document("utm-sources"), file, follows)


def _document(topic: str) -> "Document":
    from dataflow.rules.documents import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT

    documents = (FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT)
    return next(document for document in documents if document.topic == topic)


def _read(file: Path) -> bytes:
    from dataflow.errors import Misconfigured

    try:
        return sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"FILE is '{file}'; expected a file that can be read ({error})") from error


def _show(document: "Document") -> None:
    version = _last(document)
    sys.stdout.write(version.raw.decode() + "\n")
    notes().print(f"version {version.number}", style="dim")


def _last(document: "Document") -> "Version":
    from dataflow.cli.kafka import run_with_broker
    from dataflow.connection import broker_connection
    from dataflow.rules.version_reader import last_version
    from dataflow.settings import settings

    connection = broker_connection(settings())
    return run_with_broker(connection, last_version(connection, document))


def _check(document: "Document", file: Path) -> None:
    document.check(_read(file), str(file))
    typer.echo(f"{file}: these {document.name} are good")


def _put(document: "Document", file: Path, follows: int | None) -> None:
    from dataflow.cli.kafka import run_with_broker
    from dataflow.connection import broker_connection
    from dataflow.settings import settings

    raw = _read(file)
    document.check(raw, str(file))
    connection = broker_connection(settings())

    async def put() -> "Version":
        from dataflow.rules.documents import FILTER_RULES_DOCUMENT
        from dataflow.rules.outputs import check_outputs
        from dataflow.rules.version_writer import put_version
        from dataflow.stages.filter_document import read_document

        if document is FILTER_RULES_DOCUMENT:
            await check_outputs(connection, read_document(raw, str(file)))
        return await put_version(connection, settings().app_id, document, raw, follows)

    version = run_with_broker(connection, put())
    if people_read():
        typer.echo(f"the {document.name} are those of version {version.number} now")
    else:
        print_json({"version": version.number})


def _try(raw: bytes | None, lines: Path | None, topic: str | None, last: int) -> "DryRun":
    from dataflow.cli.lines import lines_of
    from dataflow.rules.dry_run import try_lines
    from dataflow.stages.filter_document import read_document

    used = read_document(_last(_document("filter-rules")).raw if raw is None else raw, "rules")
    if lines is not None:
        with lines_of(lines) as sent:
            return asyncio.run(try_lines(used, sent))
    return asyncio.run(try_lines(used, _last_records(topic or "", last)))


def _last_records(topic: str, count: int) -> list[bytes | None]:
    from dataflow.cli.kafka import run_with_broker
    from dataflow.connection import broker_connection
    from dataflow.rules.dry_run import last_records
    from dataflow.settings import settings

    connection = broker_connection(settings())
    return run_with_broker(connection, last_records(connection, topic, count))


def _show_dry_run(dry_run: "DryRun") -> None:
    counts: Mapping[str, int] = {"(kept)": dry_run.kept, **dry_run.dropped}
    rows = [(name, number, (dry_run.examples.get(name) or [""])[0][:80]) for name, number in counts.items()]
    dead = [(f"dead letter: {reason}", number, "") for reason, number in dry_run.dead_lettered.items()]
    page().print(table_of(("rule", "lines", "for example"), rows + dead, f"{dry_run.lines:,} lines"))
    for topic, number in dry_run.outputs.items():
        typer.echo(f"{number:,} to {topic}")
    if not dry_run.complete:
        notes().print("the time was up before the last line", style="yellow")
