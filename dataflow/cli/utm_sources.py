"""`dataflow utm-sources`: shows, checks and changes the map of UTM sources."""

import typer

from dataflow.cli.documents import File, Follows, check, document_of, put, show

utm_sources = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check and change the map of UTM sources.\n\n\b\nExample:\n"
    "  dataflow utm-sources show > sources.json\n"
    "  dataflow utm-sources put sources.json --follows 1",
)


@utm_sources.command("show")
def show_sources() -> None:
    """Print the map that all workers use; its version is on stderr.

    \b
    Example:
      dataflow utm-sources show
    """
    show(document_of("utm-sources"))


@utm_sources.command("check")
def check_sources(file: File) -> None:
    """Check a file; nothing is changed, and no broker is asked.

    \b
    Example:
      dataflow utm-sources check sources.json
    """
    check(document_of("utm-sources"), file)


@utm_sources.command("put")
def put_sources(file: File, follows: Follows = None) -> None:
    """Make the map in a file that of all workers.

    \b
    Example:
      dataflow utm-sources put sources.json
    """
    put(document_of("utm-sources"), file, follows)
