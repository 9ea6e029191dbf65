"""A test run that is interrupted or killed leaves no server behind, whose memory the next run needs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

pytestmark = pytest.mark.long

TESTS = Path(__file__).parents[1]
DEADLINE_SECONDS = 60
MARK = "STARTED_BY_TEST"


def processes(mark: str) -> list[psutil.Process]:
    """Return every process that has inherited a mark, however it was started."""
    marked = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                marked.append(process)
        except psutil.Error:  # it has just ended
            continue
    return marked


def wait_until(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@pytest.fixture
def test_run(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Return a run of two tests at once, all their servers up, and the mark of its processes."""
    mark = uuid4().hex
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider"]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    with (tmp_path / "said").open("wb") as said:
        run = subprocess.Popen(
            [
                *command,
                f"--basetemp={tmp_path / 'inner'}",
                str(TESTS / "broker" / "servers_left_alone.py"),
                "--dist=load",
            ],
            env={**environment, MARK: mark, "SERVERS_UP": str(tmp_path)},
            cwd=TESTS.parent,
            stdout=said,
            stderr=said,
            start_new_session=True,  # as from a terminal: Ctrl-C goes to the whole group
        )
    try:
        wait_until(
            lambda: (tmp_path / "1").exists() and (tmp_path / "2").exists(),
            (tmp_path / "said").read_text,
        )
        yield run, mark
    finally:
        for process in processes(mark):
            process.kill()
        run.wait()


def test_a_killed_run_leaves_nothing_running(test_run):
    """CI kills what takes too long; brokers that stay would take the next run's memory."""
    run, mark = test_run
    assert len(processes(mark)) >= 9, "two testers, and for each a broker, a worker and PostgreSQL"
    run.kill()
    wait_until(lambda: not processes(mark), lambda: processes(mark))


def test_an_interrupted_run_leaves_nothing_running(test_run):
    """Ctrl-C is how a developer ends a run."""
    run, mark = test_run
    os.killpg(run.pid, signal.SIGINT)
    wait_until(lambda: not processes(mark), lambda: processes(mark))
