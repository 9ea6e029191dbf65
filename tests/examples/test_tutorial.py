"""The tutorial: its code is taken from the page into a copy of the program, tested there, and run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from chaos.waiting import wait_until
from chaos.worker import Worker

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
DIFFS = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
[SENT] = re.findall(r"<<'END'\n(.*?)\nEND\n", PAGE, re.DOTALL)
[ANSWER] = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
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


@pytest.mark.timeout(240)
def test_what_the_page_says_works_on_a_broker(checkout: Path, tmp_path: Path, own_broker: EmbeddedBroker):
    """Its own test passes, and the worker answers as the page says, with the third order a dead letter."""
    path = os.pathsep.join([str(checkout), str(ROOT / "tests")])
    options = [
        "-c",
        str(ROOT / "pyproject.toml"),
        f"--rootdir={checkout}",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "-q",
    ]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(checkout / "tests/unit/test_orders.py")],
        cwd=checkout,
        env={"PATH": os.defpath, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "7 passed" in tested.stdout, tested.stdout + tested.stderr
    worker = Worker(
        tmp_path / "worker",
        free_port(),
        {"DATAFLOW_BROKER": own_broker.address, "DATAFLOW_OPEN_ROLES": "read,send", "PYTHONPATH": path},
    ).start()
    try:
        worker.wait_ready(120)
        with urlopen(f"{worker.url}/ingest/orders", data=SENT.encode(), timeout=30) as answered:  # a POST
            assert json.load(answered) == {"accepted": 3, "dead_lettered": 0}
        wait_until(lambda: worker.ask("/orders/means") == (200, json.loads(ANSWER)), 60, worker.tail)
        totals = worker.ask("/streams")[1]["streams"]["orders"]
    finally:
        worker.clear_away()
    assert totals == {"received": 3, "sent": 2, "dropped": 0, "dead_lettered": 1}
