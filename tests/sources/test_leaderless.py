"""A broker that is away with partitions of a received topic: what is sent goes to the other partitions."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.second_broker import TwoBrokers, two_brokers
from harness.workers import Worker, running_worker

pytestmark = pytest.mark.long

LINE = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 5 "-" "-"\n'


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[TwoBrokers]:
    """Return two brokers; the second has partition 0 of access-logs and nothing else."""
    with two_brokers(tmp_path) as running_ones:
        running_ones.place_declared("access-logs", [2, 1])
        yield running_ones


def send(worker: Worker, numbers: range) -> int:
    """Send lines; return the status of the answer."""
    body = b"".join(LINE % number for number in numbers)
    return worker.get("/ingest/access-logs", "POST", body, Content_Type="text/plain").status


def test_what_is_sent_is_stored_beside_a_partition_without_a_leader(brokers: TwoBrokers, tmp_path: Path):
    """Every body was refused after ten seconds, of all topics, for as long as one broker of two was away."""
    chosen = {"DATAFLOW_ROLE": "ingest", "DATAFLOW_INGEST_DEADLINE_SECONDS": "3"}
    with running_worker(brokers.first.address, tmp_path, "leaderless", **chosen) as worker:
        worker.wait_ready()
        assert send(worker, range(10)) == 200
        brokers.second.kill()
        send(worker, range(10, 20))  # may have been on its way there
        worker.wait_for("/readyz", lambda reply: reply.status == 200 and send(worker, range(20, 30)) == 200)
        answers = [send(worker, range(at, at + 10)) for at in range(100, 200, 10)]
        assert answers == [200] * 10
        assert b"Future exception was never retrieved" not in worker.log.read_bytes()
        brokers.restart_second()
        stored = [read.value for read in brokers.kafka.read_topic("access-logs")]
        assert {LINE[:-1] % number for number in range(100, 200)} <= set(stored)


@pytest.mark.parametrize(
    "command", [["ingest", "--as", "access-logs"], ["produce", "access-logs"]], ids=["ingest", "produce"]
)
def test_what_a_command_sends_is_stored_beside_a_partition_without_a_leader(
    command: list[str], brokers: TwoBrokers, tmp_path: Path
):
    """A producer that had sent nothing knew no leaders, and began with the first partition."""
    lines = [LINE % number for number in range(2_000)]
    file = tmp_path / "access.log"
    file.write_bytes(b"".join(lines))
    brokers.kill_second("access-logs")
    done = subprocess.run(
        [sys.executable, "-m", "dataflow", *command, str(file)],
        env={**os.environ, "DATAFLOW_BROKER": brokers.first.address},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    brokers.restart_second()
    stored = sorted(read.value or b"" for read in brokers.kafka.read_topic("access-logs"))
    assert stored == sorted(line[:-1] for line in lines)
