"""`dataflow demo` for real: broker, worker, samples, counts; and nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from expected_stays import expected_stay_counts

from dataflow.cli.worker_client import NotReady, ask
from dataflow.demo.broker.child_process import start_child

pytestmark = pytest.mark.long

DEADLINE_SECONDS = 60


def command(*arguments: str, data_dir: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a demo with a folder of its own."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return (
        [sys.executable, "-m", "dataflow", "demo", *arguments],
        {**inherited, "DATAFLOW_DATA_DIR": str(data_dir)},
    )


def wait_for(condition: Callable[[], object]) -> object:
    """Return what the condition returns once that is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@contextmanager
def running_demo(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Give a running demo and the address of its worker."""
    line, environment = command(*arguments, data_dir=tmp_path)
    with (tmp_path / "said").open("wb") as said:
        process = start_child(line, env=environment, stdout=subprocess.DEVNULL, stderr=said)
    page = wait_for(lambda: re.search(r"The page: (http://[^/]+)/", (tmp_path / "said").read_text()))
    assert isinstance(page, re.Match)
    yield process, page[1]
    process.terminate()
    process.wait(DEADLINE_SECONDS)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Return a running demo and the address of its worker."""
    with running_demo(tmp_path, "--rate", "1000") as running:
        yield running


def test_played_once_every_event_is_in_one_place_and_the_stays_are_exact(tmp_path):
    """The promise of the whole, checked by one command; stdout is JSON alone."""
    line, environment = command("--once", "--json", data_dir=tmp_path)
    done = subprocess.run(line, env=environment, capture_output=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr.decode()
    assert b"has the roles read,send,edit: no DATAFLOW_ACCESS_FILE is set." in done.stderr
    told = json.loads(done.stdout)
    received = {stream: balance["received"] for stream, balance in told["streams"].items()}
    assert received == {"cdn-logs": 9999, "expedia": 21891, "raw-web-events": 5874}
    for balance in told["streams"].values():
        assert balance["received"] == balance["sent"] + balance["dropped"] + balance["dead_lettered"]
    assert {
        entry["key"]: {"count_all": entry["count"], "count_distinct": entry["distinct_hotels"]}
        for entry in told["tables"]["stays_per_category"]
    } == expected_stay_counts()
    assert list(tmp_path.iterdir()) == []


def test_the_demo_shows_what_comes_in_and_ends_in_order(demo, tmp_path):
    """Ctrl-C is its ordinary end: exit code 0, and no process stays."""
    process, url = demo
    wait_for(lambda: ask(url, "streams")["streams"]["expedia"]["received"] > 0)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_SECONDS) == 0
    assert not [child for child in children if child.is_running()]


def test_a_killed_demo_leaves_nothing_running(demo):
    """A forgotten broker would hold its folder and a port for ever."""
    process, _ = demo
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert len(children) >= 2
    wait_for(lambda: not any(child.is_running() for child in children))


def test_a_broker_that_dies_ends_the_demo_with_its_last_words(demo, tmp_path):
    """Without it the demo only repeated that it could not connect, for ever."""
    process, url = demo
    wait_for(lambda: ask(url, "streams")["streams"]["expedia"]["received"] > 0)
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.name() == "java":
            child.kill()
    assert process.wait(DEADLINE_SECONDS) == 1
    said = (tmp_path / "said").read_text()
    assert f"broker of {tmp_path / 'broker'} is gone with exit code -9" in said
    assert "Traceback" not in said.partition("last lines of its log")[0]


def test_a_killed_worker_is_replaced_and_all_streams_go_on(demo, tmp_path):
    """The demo asks people to kill a worker; it ended when they did."""
    process, url = demo

    def received() -> dict[str, int]:
        try:
            return {topic: counts["received"] for topic, counts in ask(url, "streams")["streams"].items()}
        except NotReady:
            return {}

    played = {"cdn-logs", "expedia", "raw-web-events", "access-logs", "analytics-events"}
    wait_for(lambda: all(received().get(topic, 0) for topic in played))
    before = received()
    port = url.rpartition(":")[2]
    (worker,) = [one for one in psutil.Process(process.pid).children(recursive=True) if port in one.cmdline()]
    worker.kill()
    said = f"Worker {worker.pid} at {url} was killed by signal 9. Another is started in its place."
    wait_for(lambda: said in (tmp_path / "said").read_text())
    wait_for(lambda: all(received().get(topic, 0) > before[topic] for topic in played))
    assert process.poll() is None


def test_a_log_of_ones_own_is_on_the_page_and_followed(tmp_path):
    """Rotated files are older than those that sort before them; read by name they came too late to count."""
    line = b'10.0.0.%d - - [%d/May/2026:10:05:03 +0000] "GET /mine HTTP/1.1" 200 5 "-" "curl/8"\n'
    logs = tmp_path / "logs"
    logs.mkdir()
    for age, name in enumerate(["access.log", "access.log.1", "access.log.2"]):
        (logs / name).write_bytes(b"".join(line % (number, 20 - age) for number in range(100)))
        written = time.time() - 3600 * age
        os.utime(logs / name, (written, written))

    def hours(url: str) -> list[int]:
        table = ask(url, "tables", "requests_per_endpoint", window="hour", newest="72")
        return [one["count"] for window in table["windows"] for one in window["entries"]]

    with running_demo(tmp_path, str(logs)) as (process, url):
        wait_for(lambda: hours(url) == [100, 100, 100])
        with (logs / "access.log").open("ab") as log:
            log.write(line % (1, 20))
        wait_for(lambda: sorted(hours(url)) == [100, 100, 101])
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_SECONDS) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "said"]
