"""The glossary has one meaning for each word of the code, and the words it has replaced are gone."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
WORDS = [
    word
    for words in re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GLOSSARY, re.MULTILINE)
    if words != "word"
    for word in words.split(", ")
]
MODULES = sorted(
    path for room in ("agents", "dataflow", "models", "tables") for path in ROOT.glob(f"{room}/**/*.py")
)
SOURCES = {path: path.read_text("utf-8") for path in MODULES}

REPLACED = {
    "balance": "event counts",
    "uneven": "unaccounted events",
    "shard": "table partition",
    "cell": "window entry",
    "cells": "window store",
    "behind": "lag",
    "waiting": "buffered",
    "stretch": "timestamp run",
    "surroundings": "partition context",
    "settle": "drain",
    "settled": "drain",
    "take_over": "recovery",
    "taking_over": "recovery",
    "continuity": "offset gap",
    "goes_on": "offset gap",
    "give_up": "revoke",
    "in_hand": "in progress",
    "begin_again": "session",
    "committed_up_to": "commit",
    "large_states": "spilled state",
    "clock_ms": "stream time",
    "filtering": "stage",
    "outbox": "managed producer",
    "consignment": "managed producer",
    "producing": "managed producer",
    "recogniser": "input checkpoint",
    "turn_of_another": "lease",
    "overtaken": "fence",
    "patience": "drain",
}
"""Words that no identifier has any more, each with the glossary's word for what was meant."""


def names_in(source: str) -> Iterator[str]:
    """Yield the identifiers of a module."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name))
            ):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.rpartition(".")[2]


def in_words(name: str) -> str:
    """Return a name as ``_one_or_more_words_``."""
    return "_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_") + "_"


def words_of(path: Path) -> set[str]:
    """Return the names of a module and in it, in words."""
    return {in_words(name) for name in (path.stem, *names_in(SOURCES[path]))}


IDENTIFIERS = {path.relative_to(ROOT): words_of(path) for path in MODULES}


def test_each_word_has_one_meaning():
    """Two rows for a word would be two meanings."""
    assert len(WORDS) > 60
    assert [word for word, times in Counter(WORDS).items() if times > 1] == []


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_glossary_is_one_of_the_code(word):
    """A word that nobody uses any more is removed."""
    pattern = re.compile(r"[ _-]*".join(map(re.escape, re.split("[ -]", word))), re.IGNORECASE)
    assert any(pattern.search(source) for source in SOURCES.values())


@pytest.mark.parametrize("old", REPLACED)
def test_a_replaced_word_stands_in_no_identifier(old):
    """Two words for one thing would be two things to whoever reads the code."""
    users = {str(path): name for path, names in IDENTIFIERS.items() for name in names if f"_{old}_" in name}
    assert users == {}, f"the word is {REPLACED[old]!r}"


def test_the_words_in_their_place_are_in_the_glossary():
    """And those that were replaced are not."""
    assert set(REPLACED.values()) <= set(WORDS)
    assert set(REPLACED).isdisjoint(WORDS)
