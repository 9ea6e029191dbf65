"""`dataflow rules`: shows, checks, changes and tries the rules of the CDN filter."""

from pathlib import Path
from typing import Annotated

import typer

from dataflow.cli.documents import File, Follows, check, document_of, put, read_file, show
from dataflow.cli.terminal import people_read, print_json

rules = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check, change and try the rules of the CDN filter.\n\n\b\nExample:\n"
    "  dataflow rules show > rules.json\n"
    "  dataflow rules dry-run --rules rules.json --topic cdn-logs\n"
    "  dataflow rules put rules.json --follows 7",
)


@rules.command("show")
def show_rules() -> None:
    """Print the rules that all workers use; their version is on stderr.

    \b
    Example:
      dataflow rules show | jq .
    """
    show(document_of("filter-rules"))


@rules.command("check")
def check_rules(file: File) -> None:
    """Check a file of rules; nothing is changed, and no broker is asked.

    \b
    Example:
      dataflow rules check rules.json
    """
    check(document_of("filter-rules"), file)


@rules.command("put")
def put_rules(file: File, follows: Follows = None) -> None:
    """Make the rules of a file those of all workers, within seconds and without a restart.

    Bad rules change nothing, nor does a version that somebody else has changed.

    \b
    Example:
      dataflow rules put rules.json --follows 7
    """
    put(document_of("filter-rules"), file, follows)


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
    from dataflow.cli.rules_dry_run import show_dry_run, try_rules
    from dataflow.errors import Misconfigured

    if (lines is None) == (topic is None):
        raise Misconfigured("LINES and --topic are both given, or neither; expected one of them")
    dry_run = try_rules(read_file(rules) if rules else None, lines, topic, last)
    if people_read():
        show_dry_run(dry_run)
    else:
        print_json(dry_run)
