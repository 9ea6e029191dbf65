"""Walkers: the functions of our modules that search by a pattern or loop until an input ends."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, NamedTuple, Self

ROOT: Final = Path(__file__).parents[2]
OUTSIDE: Final = (
    *("access", "analytics", "catalogue", "dead_letters", "inputs", "sources", "stages", "web"),
    *("printable.py", "masking.py", "http_error.py", "instants.py", "sinks/csv_lines.py"),
    *("engine/json_members.py", "engine/splice.py", "engine/decoding.py", "kafka/unpacking.py"),
    *("kafka/packed_batch.py", "kafka/lenient_batch.py", "kafka/checksums.py", "kafka/record.py"),
)
"""Modules of ours that are given bytes from outside."""
SEARCHES: Final = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")


class Walker(NamedTuple):
    """A function, by its file below `dataflow/` and its name."""

    path: str
    name: str


def walkers() -> frozenset[Walker]:
    """Return those of the modules that are given bytes from outside."""
    paths = [ROOT / "dataflow" / each for each in OUTSIDE]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    assert len(files) > len(OUTSIDE)
    return frozenset(walker for file in files for walker in _walkers_in(file))


def _walkers_in(file: Path) -> Iterator[Walker]:
    tree = ast.parse(file.read_text())
    patterns = set(_patterns(tree))
    for node in ast.walk(tree):
        # What waits in its loop is async; what it awaits has a size.
        if isinstance(node, ast.FunctionDef) and any(_walks(each, patterns) for each in ast.walk(node)):
            yield _named(str(file), node.name)


def _patterns(tree: ast.Module) -> Iterator[str]:
    """Yield the names in a module that hold a compiled pattern, or a method of one."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if "re.compile(" in ast.unparse(node.value) or "re2.compile(" in ast.unparse(node.value):
                inside = (each for target in targets for each in ast.walk(target))
                yield from (each.id for each in inside if isinstance(each, ast.Name))


def _walks(node: ast.AST, patterns: set[str]) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        is_module = node.value.id in ("re", "re2")
        return is_module and node.attr in SEARCHES
    return isinstance(node, ast.While) or (isinstance(node, ast.Name) and node.id in patterns)


def _named(file: str, name: str) -> Walker:
    return Walker(str(Path(file).relative_to(ROOT / "dataflow")), name)


class Called:
    """Notes which functions below `dataflow/` are called while it is entered."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self._codes.add(frame.f_code)

    @property
    def names(self) -> frozenset[Walker]:
        """Those that were called."""
        below = str(ROOT / "dataflow") + "/"
        return frozenset(
            _named(code.co_filename, code.co_name)
            for code in self._codes
            if code.co_filename.startswith(below)
        )
