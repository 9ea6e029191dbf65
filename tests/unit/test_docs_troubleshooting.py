"""Troubleshooting: the page has each sentence with which a worker ends, waits or warns, and no other."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
FAUST = " ".join((ROOT / "docs" / "coming-from-faust.md").read_text("utf-8").split())
SHORTEST = 12
"""Fewer letters beside the values would be found anywhere."""

OF_A_WORKER = [
    "access/access_file.py", "access/configured.py", "access/identity.py", "access/worker_secret.py",
    "connection.py", "engine", "kafka", "sinks", "tls.py", "web/health.py", "web_server.py",
]  # fmt: skip
"""What ends a worker, or what it waits for, is raised here."""
OF_EVENTS = [
    "engine/decoding.py", "engine/json_members.py", "kafka/packed_batch.py", "sinks/postgres/rows.py",
    "kafka/unpacking.py", "sinks/s3/parquet.py",
]  # fmt: skip
"""What is wrong with one event: the detail of its dead letter."""
DECLARATIONS = ["engine/tables/table.py", "engine/tables/windows.py", "engine/tables/aggregations"]
"""Declarations are refused when they are imported: who writes one reads the error."""


def parts_of(sentence: str) -> list[str]:
    """Return what stands between the values of a sentence."""
    return [part for part in map(str.strip, re.split("…", sentence)) if len(part) > 2]


def texts_of(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield the texts of a module with a mark for each value, and their nodes."""
    within = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in within:
                yield node, text
            case ast.JoinedStr(values=parts):
                yield node, "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in parts)


@cache
def texts_by_path() -> dict[str, list[str]]:
    """Return all texts of the program, by the path of their module below `dataflow`."""
    folder = ROOT / "dataflow"
    modules = {str(path.relative_to(folder)): ast.parse(path.read_bytes()) for path in folder.rglob("*.py")}
    return {path: [text for _, text in texts_of(tree)] for path, tree in modules.items()}


@cache
def texts() -> str:
    """Return all texts of the program."""
    return "\n".join(text for found in texts_by_path().values() for text in found)


@cache
def spans() -> list[list[str]]:
    """Return the sentences of the page, each in its parts."""
    rows = [row.split(" | ")[0] for row in PAGE.splitlines() if row.startswith("| `")]
    return [parts for row in rows for parts in map(parts_of, re.findall("`([^`]+)`", row)) if parts]


def logged() -> Iterator[str]:
    """Yield the sentences that are logged at a warning or above."""
    for path in (ROOT / "dataflow").rglob("*.py"):
        if not is_in(str(path.relative_to(ROOT / "dataflow")), ["cli", "demo"]):
            calls = re.findall(
                r"\blog\.(?:warning|error|exception)\(((?:\s*\"[^\"]+\")+)", path.read_text("utf-8")
            )
            yield from ("".join(re.findall(r"\"([^\"]+)\"", call)) for call in calls)


def is_in(path: str, rooms: list[str]) -> bool:
    """Tell whether a file is one of these, or in one of these folders."""
    return any(Path(path).is_relative_to(room) for room in rooms)


def raised() -> Iterator[str]:
    """Yield the sentences of a worker's errors: those that say what was expected."""
    for path, found in texts_by_path().items():
        if is_in(path, OF_A_WORKER) and not is_in(path, OF_EVENTS + DECLARATIONS):
            yield from (text for text in found if "; expected" in text)


def is_on_the_page(text: str) -> bool:
    """Tell whether a sentence of the page is this one: all of its parts are in it, and are long enough."""
    return any(all(part in text for part in parts) and sum(map(len, parts)) >= SHORTEST for parts in spans())


def is_quoted(text: str) -> bool:
    """Tell whether the page for Faust users quotes it, with values of its example."""
    pattern = ".{0,200}?".join(re.escape(" ".join(part.split())) for part in text.split("…"))
    return re.search(pattern, FAUST) is not None


def test_every_sentence_that_is_logged_is_on_the_page():
    """Whoever is called at night looks up what the worker has logged."""
    told = sorted(set(logged()))
    assert len(told) > 60
    assert [one for one in told if f"`{one}`" not in PAGE] == []


def test_every_error_of_a_worker_is_on_the_page():
    """Whoever finds a worker ended looks up its last line."""
    assert [one for one in sorted(set(raised())) if not is_on_the_page(one) and not is_quoted(one)] == []


@pytest.mark.parametrize("parts", spans(), ids=lambda parts: parts[0][:60])
def test_every_sentence_of_the_page_is_one_of_the_program(parts):
    """Whoever looks a sentence up searches for its words; one that is gone misleads."""
    assert [part for part in parts if part not in texts()] == []
