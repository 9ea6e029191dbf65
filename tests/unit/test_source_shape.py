"""Shape of the source: small functions and files, and one meaning for each class name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "dataflow", "models", "tables")
FUNCTION_LINES, FILE_LINES, MEDIAN_FILE_LINES = 30, 300, 90


def sources() -> dict[str, str]:
    """Return the text of every file by its path."""
    files = chain.from_iterable((ROOT / room).rglob("*.py") for room in ROOMS)
    return {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in sorted(files)}


def long_functions(texts: dict[str, str]) -> Iterator[str]:
    """Yield where each function is that is too long, and how many lines it has."""
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{path}:{node.lineno} {node.name} has {lines} lines"


def classes_defined_twice(texts: dict[str, str]) -> dict[str, list[str]]:
    """Return where each class is defined whose name several have."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path}:{node.lineno}")
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_function_is_longer_than_a_screen():
    """A function that is read at once is understood at once."""
    assert not list(long_functions(sources()))


def test_files_are_small():
    """A file has one subject; who looks for it reads no other."""
    lengths = {path: text.count("\n") for path, text in sources().items()}
    assert not {path: lines for path, lines in lengths.items() if lines > FILE_LINES}
    assert median(lengths.values()) <= MEDIAN_FILE_LINES


def test_a_class_name_has_one_meaning():
    """Who reads `Batch` must not have to ask which one."""
    assert not classes_defined_twice(sources())


@pytest.mark.parametrize("extra", [0, 1])
def test_a_long_function_is_seen(extra: int):
    """A check that accepts everything proves nothing."""
    text = "def long():\n" + "    pass\n" * (FUNCTION_LINES - 1 + extra)
    assert len(list(long_functions({"made_up.py": text}))) == extra


def test_a_class_that_is_defined_twice_is_seen():
    """Also one inside of a function."""
    texts = {"one.py": "class Batch: ...\n", "two.py": "def make():\n    class Batch: ...\n"}
    assert classes_defined_twice(texts) == {"Batch": ["one.py:1", "two.py:2"]}
