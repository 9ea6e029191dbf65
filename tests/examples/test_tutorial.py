"""The tutorial: its code is taken from the page into a copy of the program, and tested there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
DIFFS = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
CHANGED = "dataflow/web/routes.py"


def changed(source: str, diff: str) -> str:
    """Apply a diff of the page to a file, which has its context once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert source.count(before) == 1
    return source.replace(before, after)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the program in which somebody has followed the page."""
    folder = tmp_path / "checkout"
    for name in ("agents", "dataflow", "models", "tables"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path, source in FILES.items():
        file = folder / path
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    routes = folder / CHANGED
    for diff in DIFFS:
        routes.write_text(changed(routes.read_text(), diff))
    return folder


def test_the_page_has_a_file_for_each_step():
    """A block that is not extracted is not tested."""
    steps = re.findall(r"^\| \d \| `([\w/.]+)` \|", PAGE, re.MULTILINE)
    assert steps == list(FILES)
    assert len(re.findall(r"^```python$", PAGE, re.MULTILINE)) == len(FILES)
    assert len(DIFFS) == 2


def run(checkout: Path, *arguments: str) -> str:
    """Return what Python prints in the copy, which it takes all packages from."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(checkout), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_test_of_the_page_passes(checkout: Path):
    """Whoever follows the page runs it, and a page that has grown old fails it."""
    options = ["-c", str(ROOT / "pyproject.toml"), "-o", "pythonpath=", f"--rootdir={checkout}"]
    said = run(checkout, "-m", "pytest", *options, "-p", "no:cacheprovider", "-n", "0", "-q", "tests/unit")
    assert "7 passed" in said


def test_the_view_of_the_page_is_a_route(checkout: Path):
    """It imports, and the list of routes has it once the changes of the page are made."""
    assert "/orders/means" in run(
        checkout, "-c", "from dataflow.web.routes import ALL; print([one.path for one in ALL])"
    )
