"""The schedule on real workers: one reads at a time, nothing comes twice, whoever dies."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import asyncpg
import pytest
from chaos.cluster import Cluster, running_cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from sinks.postgres_server import PostgresServer

pytestmark = pytest.mark.long

EVERY_TWO_SECONDS = "* * * * * */2"
LINE = b'10.0.0.1 - - [31/Jan/2026:12:00:00 +0000] "GET /%d HTTP/1.1" 200 5 "-" "curl/8"\n'
FEW, MANY = 1_000, 60_000


@pytest.fixture
def postgres():
    """Return a running PostgreSQL of the test's own."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


def write_log(path: Path, first: int, lines: int) -> None:
    """Write requests, each of another path."""
    path.write_bytes(b"".join(LINE % number for number in range(first, first + lines)))


def rows(server: PostgresServer) -> tuple[int, int]:
    """Return how many rows there are, and of how many requests."""

    async def fetch() -> tuple[int, int]:
        connection = await asyncpg.connect(server.url)
        try:
            query = "SELECT count(*), count(DISTINCT endpoint) FROM web_logs"
            return tuple(await connection.fetchrow(query))
        except asyncpg.UndefinedTableError:
            return 0, 0
        finally:
            await connection.close()

    return asyncio.run(fetch())


def complete_runs(workers: list[Worker]) -> float:
    """Return how many runs the workers that live count as complete."""
    return sum(metric(worker, 'dataflow_ingest_runs_total{outcome="complete"') for worker in workers)


def metric(worker: Worker, begin: str) -> float:
    """Return a number of /metrics; 0 when nobody answers."""
    try:
        with build_opener(ProxyHandler({})).open(
            f"http://127.0.0.1:{worker.port}/metrics", timeout=10
        ) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        return 0
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(begin))


def wait_for_runs(workers: list[Worker], more: int) -> None:
    """Return when so many more runs were complete."""
    before = complete_runs(workers)
    wait_until(lambda: complete_runs(workers) >= before + more, 60, "complete runs")


@pytest.mark.timeout(300)
def test_run_again_and_again_and_killed_on_the_way_not_a_row_more_or_less(tmp_path, postgres):
    """From the folder to the rows of web_logs, on two workers of which one dies while it reads."""
    folder = tmp_path / "logs"
    folder.mkdir()
    write_log(folder / "access.log", 0, FEW)
    with running_cluster(
        tmp_path / "cluster",
        ingest_schedule=EVERY_TWO_SECONDS,
        ingest_inputs=f"access-logs={folder}/*.log",
        postgres_url=postgres.url,
    ) as cluster:
        workers = [cluster.start_worker() for _ in range(2)]
        wait_until(lambda: rows(postgres) == (FEW, FEW), 120, lambda: f"rows; {cluster.tails()}")
        wait_for_runs(workers, 2)
        assert rows(postgres) == (FEW, FEW)

        reader = kill_the_one_that_reads(cluster, folder)
        rest = [worker for worker in workers if worker is not reader]
        all_of_them = FEW + MANY, FEW + MANY
        wait_until(lambda: rows(postgres) == all_of_them, 120, lambda: f"{rows(postgres)} {cluster.tails()}")
        wait_for_runs(rest, 1)
        assert rows(postgres) == all_of_them
        assert '"message":"Scheduled ingest is done.","stream":"access-logs"' in rest[0].said()


def kill_the_one_that_reads(cluster: Cluster, folder: Path) -> Worker:
    """Give the workers something to read, and kill the one whose turn it is."""
    begin = 'dataflow_ingest_lines_total{outcome="accepted"'
    before = {worker.port: metric(worker, begin) for worker in cluster.workers}
    write_log(folder / "big.tmp", FEW, MANY)
    (folder / "big.tmp").rename(folder / "big.log")

    def reading() -> Worker | None:
        moved = (worker for worker in cluster.workers if metric(worker, begin) > before[worker.port])
        return next(moved, None)

    reader = wait_until(reading, 60, cluster.tails)
    reader.kill()
    return reader


@pytest.mark.parametrize(
    ("schedule", "inputs", "said"),
    [
        ("every hour", "access-logs=/x", "DATAFLOW_INGEST_SCHEDULE is 'every hour'; expected five fields"),
        ("0 0 31 2 *", "access-logs=/x", "DATAFLOW_INGEST_SCHEDULE is '0 0 31 2 *'; expected five fields"),
        ("0 * * * *", "logs=/x", "DATAFLOW_INGEST_INPUTS is 'logs=/x'; expected STREAM=PLACE[,...] with"),
        (
            "0 * * * *",
            "",
            "DATAFLOW_INGEST_INPUTS is not set; expected a value, for DATAFLOW_INGEST_SCHEDULE",
        ),
        ("", "access-logs=/x", "DATAFLOW_INGEST_SCHEDULE is not set; expected a value, for DATAFLOW_INGEST_"),
    ],
)
def test_a_worker_does_not_start_on_a_schedule_that_it_cannot_keep(schedule, inputs, said):
    """Else nobody would notice before the hour at which nothing comes."""
    program = subprocess.run(
        [sys.executable, "-m", "dataflow", "worker"],
        env={**os.environ, "DATAFLOW_INGEST_SCHEDULE": schedule, "DATAFLOW_INGEST_INPUTS": inputs},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert program.returncode == 2
    assert said in program.stderr.decode()
