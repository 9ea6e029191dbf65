"""Commands of documents: show, check and put, the same for filter rules and UTM sources."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, people_read, print_json

if TYPE_CHECKING:
    from dataflow.rules.version import Document, Version

File = Annotated[Path, typer.Argument(help="JSON; - is stdin.")]
Follows = Annotated[
    int | None, typer.Option(min=0, help="Version that is replaced, as `show` prints it; default: any.")
]


def document_of(topic: str) -> "Document":
    """Return the document of a topic."""
    from dataflow.rules.version import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT

    documents = (FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT)
    return next(document for document in documents if document.topic == topic)


def read_file(file: Path) -> bytes:
    """Return the content of a file; `-` is stdin. Raises `Misconfigured`."""
    from dataflow.errors import Misconfigured

    try:
        return sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"FILE is '{file}'; expected a file that can be read ({error})") from error


def show(document: "Document") -> None:
    """Print the last version on stdout, and its number on stderr."""
    version = last_version_of(document)
    sys.stdout.write(version.raw.decode() + "\n")
    notes().print(f"version {version.number}", style="dim")


def last_version_of(document: "Document") -> "Version":
    """Return the version that all workers use."""
    from dataflow.rules.version_topic import last_version

    return ask_broker(lambda connection: last_version(connection, document))


def check(document: "Document", file: Path) -> None:
    """Check a file; raises `Misconfigured`."""
    document.check(read_file(file), str(file))
    typer.echo(f"{file}: these {document.name} are good")


def put(document: "Document", file: Path, follows: int | None) -> None:
    """Write the content of a file as the next version, if the last one is number `follows`."""
    raw = read_file(file)
    document.check(raw, str(file))  # before a broker is asked

    async def write(connection: Mapping[str, object]) -> "Version":
        """Write the version."""
        from dataflow.rules.outputs import put_document
        from dataflow.settings import settings

        app_id, origin = settings().app_id, str(file)
        return await put_document(connection, app_id, document, raw, origin=origin, follows=follows)

    version = ask_broker(write)
    if people_read():
        typer.echo(f"the {document.name} are those of version {version.number} now")
    else:
        print_json({"version": version.number})
