"""Commands of documents: show, check and put, the same for filter rules and UTM sources."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, people_read, print_json, results, say
from dataflow.errors import Misconfigured
from dataflow.small_files import MOST_DOCUMENT_BYTES, read_small, read_small_file

if TYPE_CHECKING:
    from dataflow.rules.version import Document, Version

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON; - is stdin.")]
Follows = Annotated[
    int | None,
    typer.Option(
        metavar="VERSION", min=0, help="Replace only this version, as `show` prints it; default: any."
    ),
]
Shown = Annotated[
    int | None,
    typer.Argument(min=0, metavar="VERSION", help="Version, as `log` lists it; default: the last."),
]


def document_of(topic: str) -> "Document":
    """Return the document of a topic."""
    from dataflow.rules.version import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT

    documents = (FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT)
    return next(document for document in documents if document.topic == topic)


def read_file(file: Path) -> bytes:
    """Return the content of a file; `-` is stdin. Raises `Misconfigured`."""
    try:
        if file == Path("-"):
            return read_small(sys.stdin.buffer, MOST_DOCUMENT_BYTES)
        return read_small_file(file, MOST_DOCUMENT_BYTES)
    except OSError as error:
        raise Misconfigured(
            f"FILE is '{file}'; expected a file that can be read ({error.strerror})"
        ) from error


def last_version_of(document: "Document") -> "Version":
    """Return the version that all workers use."""
    from dataflow.rules.version import last_version

    return ask_broker(lambda connection: last_version(connection, document))


def add_commands(group: CommandGroup, topic: str, *, shown: str, checked: str, written: str) -> None:
    """Add the commands of the document of a topic, with a help text each."""

    @group.command("show", help=shown)
    def show(number: Shown = None) -> None:
        version = _version(document_of(topic), number)
        results().writelines([version.raw, b"\n"])
        sys.stdout.flush()
        notes().print(f"version {version.number}", style="dim")

    @group.command("check", help=checked)
    def check(file: File) -> None:
        document = document_of(topic)
        document.check(read_file(file), str(file))
        say(f"{file}: the {document.name} are valid")

    @group.command("put", help=written)
    def put(file: File, follows: Follows = None) -> None:
        document, raw = document_of(topic), read_file(file)
        document.check(raw, str(file))  # before a broker is asked
        show_written(ask_broker(lambda connection: _put(connection, document, raw, follows)), document)


def show_written(version: "Version", document: "Document") -> None:
    """Print which version has been written."""
    if people_read():
        say(f"Version {version.number} of the {document.name} is in use now.")
    else:
        print_json({"version": version.number})


def _version(document: "Document", number: int | None) -> "Version":
    from dataflow.rules.history import version_numbered

    if number is None:
        return last_version_of(document)
    return ask_broker(lambda connection: version_numbered(connection, document, number))


async def _put(
    connection: Mapping[str, object], document: "Document", raw: bytes, follows: int | None
) -> "Version":
    from dataflow.cli.author import command_author
    from dataflow.rules.outputs import put_document
    from dataflow.rules.version import Authorship
    from dataflow.settings import settings

    by = Authorship(command_author())
    return await put_document(connection, settings().app_id, document, raw, follows=follows, by=by)
