"""`dataflow utm-sources`: shows, checks and changes the map of UTM sources."""

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.document_history import add_history_commands
from dataflow.cli.documents import add_commands

utm_sources = CommandGroup(
    "Show, check and change the map of UTM sources.\n\n\b\nExample:\n"
    "  dataflow utm-sources show > sources.json\n"
    "  dataflow utm-sources put sources.json --follows 1",
)
add_commands(
    utm_sources,
    "utm-sources",
    shown="Print the map that all workers use, or another version.\n\n"
    "The number of the version goes to stderr.\n\n"
    "\b\nExample:\n  dataflow utm-sources show",
    checked="Check a file without changing anything.\n\nNo broker is needed.\n\n"
    "\b\nExample:\n  dataflow utm-sources check sources.json",
    written="Make the map of a file the one that all workers use.\n\n"
    "They use it within seconds, without a restart. A map that is not valid changes nothing. With\n"
    "--follows, nothing is changed either if somebody else has written another version meanwhile.\n\n"
    "\b\nExample:\n  dataflow utm-sources put sources.json",
)
add_history_commands(utm_sources, "utm-sources", "utm-sources")
