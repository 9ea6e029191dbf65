"""Commands in documents: each that a page tells to type is one that the program, or make, takes."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer
from markdown_pages import ROOT, Command, commands, files_of_the_repository

from dataflow.cli.program import program

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) [?:]?=", MAKEFILE, re.MULTILINE)) | set(
    re.findall(r"\$\(if \$\(([A-Z]+)", MAKEFILE)
)
HELP = {"--help", "-h"}


@cache
def root() -> Any:
    """Return the program with all of its commands, as the click that typer brings along sees them."""
    return typer.main.get_command(program([]))


def faults(command: Command) -> Iterator[str]:
    """Yield what the program does not take of a command: words, options, values."""
    found, words = root(), shlex.split(command.words)[1:]
    while hasattr(found, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in found.commands:
            yield name
            return
        found = found.commands[name]
    if HELP & set(words) or hasattr(found, "commands"):
        return
    try:
        found.make_context(found.name, words)
    except Exception as error:  # noqa: BLE001  # of the click that typer brings along, which is not public
        message = str(error) or type(error).__name__
        if not re.search(of_the_reader(command), message):
            yield message


def of_the_reader(command: Command) -> str:
    """Return the pattern of faults that are the reader's: names in capitals, own files."""
    patterns = ["does not exist"]
    if re.search(r"(?<![\w=/])[A-Z]{3,}(?![\w=])", command.words):
        patterns += ["'[A-Z]{3,}'", "Input should be"]
    return "|".join(patterns if command.is_in_block else [*patterns, "Missing"])


def make_faults(words: list[str]) -> Iterator[str]:
    """Yield targets and variables that the Makefile lacks, and paths in ARGS that are not there."""
    for word in words:
        name, is_variable, value = word.partition("=")
        if not is_variable:
            if name not in TARGETS:
                yield name
        elif name not in VARIABLES:
            yield name
        for path in re.findall(r"(?<![\w/])(?:tests|docs|examples)(?:/[\w.-]+)+", value):
            if path.rstrip("/") not in files_of_the_repository():
                yield path


@pytest.mark.parametrize(
    "command", sorted(set(commands("dataflow"))), ids=lambda one: f"{one.page}-{one.words}"
)
def test_the_program_takes_the_command(command):
    """At three in the morning nobody guesses what was meant."""
    assert not list(faults(command))


@pytest.mark.parametrize("command", sorted(set(commands("make"))), ids=lambda one: f"{one.page}-{one.words}")
def test_make_takes_the_command(command):
    """A target or folder of tests that has gone would be the first thing a newcomer meets."""
    assert not list(make_faults(shlex.split(command.words.replace("…", ""))[1:]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dataflow nonsense", "nonsense"),
        ("dataflow topics --nonsense", "--nonsense"),
        ("dataflow rules nonsense", "nonsense"),
        ("dataflow plan --stream", "--stream"),
        ("dataflow tables rebuild b c", "c"),
        ("dataflow ingest", "Missing"),
        ("dataflow plan --events-per-second many", "valid"),
    ],
)
def test_what_the_program_does_not_know_is_seen(words, expected):
    """A check that accepts everything proves nothing."""
    assert expected in " ".join(faults(Command("page", words, is_in_block=True)))


@pytest.mark.parametrize("words", ["nonsense", "test NONSENSE=1", "test ARGS=tests/nonsense"])
def test_what_make_does_not_know_is_seen(words):
    """So does one of targets."""
    assert [one.lower().rpartition("/")[2] for one in make_faults(words.split())] == ["nonsense"]
