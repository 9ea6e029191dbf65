"""Commands of the history of a document: log and revert, the same for filter rules and UTM sources."""

from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.documents import Follows, document_of, show_written
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

if TYPE_CHECKING:
    from dataflow.rules.version import Version

Number = Annotated[int, typer.Argument(min=0, metavar="VERSION", help="Version, as `log` lists it.")]
Newest = Annotated[int, typer.Option(min=1, help="How many versions, from the newest.")]


def add_history_commands(group: CommandGroup, topic: str, name: str) -> None:
    """Add the commands to the group of this name, of the document of a topic."""
    listed = "List the versions, with their authors.\n\n"
    listed += "The newest comes first: it is in use. In a pipe the output is JSON.\n\n"
    listed += f"\b\nExample:\n  dataflow {name} log"
    reverted = "Go back to an earlier version.\n\nIt is written again as a new version. "
    reverted += (
        "With --follows, nothing is changed if somebody else has\nwritten another version meanwhile.\n\n"
        f"\b\nExample:\n  dataflow {name} revert 7"
    )

    @group.command("log", help=listed)
    def log(limit: Newest = 50) -> None:
        from dataflow.rules.history import VersionRow, read_history

        document = document_of(topic)
        kept = ask_broker(lambda connection: read_history(connection, document))
        rows = [VersionRow.of(version) for version in reversed(kept[-limit:])]
        if not people_read():
            print_json({"versions": rows})
            return
        columns = ("version", "at", "author", "reverts", "bytes")
        page().print(table_of(columns, [[getattr(row, column) for column in columns] for row in rows]))
        if len(kept) > limit:
            notes().print("There are older versions; --limit sets how many are listed.", style="dim")

    @group.command("revert", help=reverted)
    def revert(number: Number, follows: Follows = None) -> None:
        show_written(_revert(topic, number, follows), document_of(topic))


def _revert(topic: str, number: int, follows: int | None) -> "Version":
    from dataflow.cli.author import command_author
    from dataflow.rules.history import revert
    from dataflow.settings import settings

    app_id, document, author = settings().app_id, document_of(topic), command_author()
    return ask_broker(lambda connection: revert(connection, app_id, document, number, follows, author))
