"""Commands in documents: each `dataflow …` that a page tells to type is one that the program takes."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer
from alert_rules import ROOT

from dataflow.cli.program import program

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> Iterator[tuple[str, str]]:
    """Yield the page and the command, of those in backticks and in blocks of code."""
    for page in PAGES:
        text = page.read_text()
        for command in re.findall(r"`(dataflow [a-z][^`]*)`", text):
            yield page.name, command
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            for command in re.findall(r"^(?:\$ )?(dataflow [a-z][^#|&<>\n]*)", block, re.MULTILINE):
                yield page.name, command


@cache
def root() -> Any:
    """Return the program with all of its commands, as the click that typer brings along sees them."""
    return typer.main.get_command(program([]))


def unknown(command: str) -> Iterator[str]:
    """Yield the words of a command that the program does not know: subcommands and options."""
    found, words = root(), shlex.split(command)[1:]
    while hasattr(found, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in found.commands:
            yield name
            return
        found = found.commands[name]
    options = {option for each in found.params for option in (*each.opts, *each.secondary_opts)}
    for word in words:
        if word.startswith("-") and word.partition("=")[0] not in options | {"--help", "-h"}:
            yield word


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_the_program_takes_the_command(page: str, command: str):
    """At three in the morning nobody guesses what was meant."""
    assert not list(unknown(command)), page


@pytest.mark.parametrize(
    "command", ["dataflow nonsense", "dataflow topics --nonsense", "dataflow rules nonsense"]
)
def test_what_the_program_does_not_know_is_seen(command: str):
    """A check that accepts everything proves nothing."""
    assert list(unknown(command)) == ["nonsense" if " --" not in command else "--nonsense"]
