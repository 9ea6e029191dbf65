"""Trees: whose programs a row runs, this checkout's or another commit's with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Tree:
    """A checkout, and the Python of its environment; `commit` is empty for this checkout."""

    root: Path
    python: str
    commit: str = ""

    @property
    def bench(self) -> Path:
        """The folder of its benchmark."""
        return self.root / "tests" / "bench"

    def has(self, app: str) -> bool:
        """Whether its benchmark has this module; what is shipped every tree has."""
        return not app or (self.bench / f"{app}.py").exists()

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return this process's environment and these variables, for a program of the tree's benchmark."""
        folders = filter(
            None, [str(self.bench), str(self.bench.parent), str(self.root), os.environ.get("PYTHONPATH")]
        )
        return {**os.environ, "TZ": "UTC", "PYTHONPATH": os.pathsep.join(folders), **variables}

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return a command of this checkout's Python as one of the tree's."""
        return tuple(self.python if word == sys.executable else word for word in words)


OURS = Tree(ROOT, sys.executable)


def checkout(commit: str) -> Tree:
    """Return the tree of a commit, made once: its files, and what its own lock files name.

    Raises `LookupError` where there is no such commit.
    """
    named = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if named.returncode:
        raise LookupError(f"commit is {commit!r}; expected one of this repository")
    short = named.stdout.strip()[:7]
    root = ROOT / "build" / "beside" / short
    if not root.exists():
        _git("worktree", "prune")
        _git("worktree", "add", "--detach", str(root), short).check_returncode()
    subprocess.run(["make", "--silent", "dev"], cwd=root, check=True, stdout=sys.stderr)
    return Tree(root, str(root / ".venv" / "bin" / "python"), short)


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
