"""A newcomer's walk: a clean clone, and what README and tutorial tell to type, in that order."""

import gzip
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from chaos.waiting import wait_until
from harness.newcomer import NEEDED, Newcomer, arrive, blocks, is_possible
from harness.tutorial import follow
from markdown_pages import ROOT

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif("NEWCOMER_TEST" not in os.environ, reason="expected NEWCOMER_TEST=1"),
    pytest.mark.skipif(not is_possible(), reason=f"expected a clone of the repository, {', '.join(NEEDED)}"),
]
LOG = ROOT / "tests" / "data" / "access_logs" / "apache_combined_10k.log.gz"
LINES = 500


def lines(block: str) -> list[str]:
    """Return the commands of a block."""
    return [line for line in block.splitlines() if line.strip()]


def fetched(address: str) -> bytes:
    """Return what an address answers; nothing as long as it does not, or answers that it is not ready."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def received(worker: str, stream: str) -> int:
    """Return how many events of a stream the workers have counted."""
    answer = fetched(f"{worker}/streams")
    return int(json.loads(answer)["streams"][stream]["received"]) if answer else 0


@contextmanager
def running_worker(newcomer: Newcomer, command: str) -> Iterator[str]:
    """Run the worker of a page; give its address once it is ready."""
    address = f"http://localhost:{newcomer.environment['DATAFLOW_WEB_PORT']}"
    with newcomer.leaves_running(command) as printed:
        wait_until(lambda: printed() and fetched(f"{address}/readyz"), 90, printed)
        yield address


@pytest.fixture
def newcomer(tmp_path: Path, own_broker: EmbeddedBroker) -> Newcomer:
    """Return somebody who has just cloned the repository, and has a log and a broker of his own."""
    logs = tmp_path / "nginx"
    logs.mkdir()
    with gzip.open(LOG) as every:
        (logs / "access.log").write_bytes(b"".join(islice(every, LINES)))
    port = free_port()
    own = {
        "/var/log/nginx": str(logs),
        "kafka-1:9092,kafka-2:9092": own_broker.address,
        "localhost:6066": f"localhost:{port}",
    }
    one = arrive(tmp_path, own)
    one.environment["DATAFLOW_WEB_PORT"] = str(port)
    return one


def test_the_commands_of_the_readme_do_what_it_says(newcomer: Newcomer):
    """The first ten minutes decide whether somebody stays; a clone has only what is committed."""
    (_, demos), (_, once), (_, printed) = blocks("README.md", "Two commands")
    of_samples, of_own_log = lines(demos)
    watch_the_demo(newcomer, of_samples, "expedia", 1)
    watch_the_demo(newcomer, of_own_log, "access-logs", LINES)
    said = newcomer.types(once)
    at = [said.index(line) for line in lines(printed)]
    assert at == sorted(at)
    assert "Short stay" in said
    walk_to_ones_own_kafka(newcomer)


def watch_the_demo(newcomer: Newcomer, command: str, stream: str, expected: int) -> None:
    """Open the address that the demo prints, and wait until it has counted that many events of a stream."""
    with newcomer.leaves_running(command) as printed:
        page = wait_until(lambda: re.search(r"The page: (http://[^/]+)/", printed()), 90, printed)
        assert b"<title>" in fetched(page[1])
        wait_until(lambda: received(page[1], stream) >= expected, 60, printed)


def walk_to_ones_own_kafka(newcomer: Newcomer) -> None:
    """Type what the README has for one's own Kafka; the program of the clone stands for an installed one."""
    [(_, block)] = blocks("README.md", "Your own Kafka")
    install, export, topics, worker, ingest, ask = lines(block)
    assert install.startswith("pipx install .")
    newcomer.environment["PATH"] = f"{newcomer.folder}/.venv/bin:{newcomer.environment['PATH']}"
    newcomer.exports(export)
    assert "cdn-logs" in newcomer.types(topics)
    with running_worker(newcomer, worker) as address:
        newcomer.types(ingest)
        wait_until(lambda: received(address, "access-logs") == LINES, 60, ingest)
        newcomer.types(ingest)
        assert json.loads(newcomer.types(ask))["table"] == "stays_per_category"
        assert received(address, "access-logs") == LINES


def test_the_stream_of_the_tutorial_runs_on_a_real_broker(newcomer: Newcomer):
    """Its code is written as the page has it, and its worker answers to the letter what the page shows."""
    follow(newcomer.folder)
    newcomer.types("make dev")
    [*_, (_, test)] = blocks("docs/tutorial.md", "7. The test")
    assert "7 passed" in newcomer.types(test)
    (_, servers), (_, send), (_, ask), (_, expected) = blocks("docs/tutorial.md", "Run it")
    broker, worker = lines(servers)
    newcomer.own["9092"] = str(free_port(int(newcomer.environment["DATAFLOW_WEB_PORT"])))
    with newcomer.leaves_running(broker) as printed:
        wait_until(lambda: "Kafka is running" in printed(), 60, printed)
        with running_worker(newcomer, worker) as address:
            newcomer.types(send)
            wait_until(lambda: newcomer.types(ask).strip() == expected.strip(), 60, ask)
            letters = newcomer.types("DATAFLOW_BROKER=localhost:9092 .venv/bin/dataflow dead-letters list")
            assert "total_cents is -1; expected 0 or more" in letters
            assert received(address, "orders") == 3
