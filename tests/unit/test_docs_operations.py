"""Operations: the last words of a worker that docs/operations.md has are those of the program."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def told() -> Iterator[str]:
    """Yield what the last errors of a worker say, without what stands for values."""
    [section] = re.findall(r"^## A worker that ends\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    for row in section.splitlines():
        if row.startswith("| `"):
            for sentence in re.findall("`([^`]+)`", row.split(" | ")[0]):
                yield from (part for part in map(str.strip, sentence.split("…")) if len(part) > 2)


@cache
def texts() -> str:
    """Return all texts of the program, a mark for each value in them."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "dataflow").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    filled = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
    ]
    return "\n".join(plain + filled)


@pytest.mark.parametrize("part", sorted(set(told())))
def test_a_worker_says_this(part: str):
    """Who looks a sentence up searches for its words."""
    assert part in texts()
