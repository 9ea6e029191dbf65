"""The tutorial: its code is taken from the page into a copy of the program, and tested there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness.tutorial import DIFFS, FILES, PAGE, follow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the program in which somebody has followed the page."""
    folder = tmp_path / "checkout"
    for name in ("agents", "dataflow", "models", "tables"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    follow(folder)
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
