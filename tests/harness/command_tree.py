"""The commands that there are, as the program itself lists them."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from dataflow.cli.program import program

Path = tuple[str, ...]


def every_command() -> dict[Path, Any]:
    """Return each command and group by its words: ``("rules", "put")``; the program itself has none."""
    return dict(_below((), get_command(program([]))))


def _below(path: Path, command: Any) -> Iterator[tuple[Path, Any]]:
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from _below((*path, name), one)


def leaves() -> dict[Path, Any]:
    """Return the commands that do something."""
    return {path: one for path, one in every_command().items() if not hasattr(one, "commands")}
