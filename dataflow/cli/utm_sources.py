"""`dataflow utm-sources`: shows, checks and changes the map of UTM sources."""

import typer

from dataflow.cli.document_history import add_history_commands
from dataflow.cli.documents import add_commands

utm_sources = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check and change the map of UTM sources.\n\n\b\nExample:\n"
    "  dataflow utm-sources show > sources.json\n"
    "  dataflow utm-sources put sources.json --follows 1",
)
add_commands(
    utm_sources,
    "utm-sources",
    shown="Print the map that all workers use, or that of another version; its version is on stderr.\n\n"
    "\b\nExample:\n  dataflow utm-sources show",
    checked="Check a file; nothing is changed, and no broker is asked.\n\n"
    "\b\nExample:\n  dataflow utm-sources check sources.json",
    written="Make the map in a file that of all workers.\n\n"
    "\b\nExample:\n  dataflow utm-sources put sources.json",
)
add_history_commands(utm_sources, "utm-sources", "utm-sources")
