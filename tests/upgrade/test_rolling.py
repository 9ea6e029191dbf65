"""Rolling: each worker is replaced by one of another release, and put back, while events come.

`make upgrade` runs it: it makes the environment of the release before first.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.tree import OURS, checkout
from chaos.answers import ask_balances, ask_tables
from chaos.checks import check_balances, check_outputs, check_tables, expected_tables, read_outputs
from chaos.cluster import Cluster, running_cluster
from chaos.feed import Feed
from chaos.waiting import wait_until
from chaos.worker import Worker
from upgrade.fleet import WORKERS, Fleet, Release

pytestmark = [
    pytest.mark.skipif("UPGRADE_TEST" not in os.environ, reason="it takes minutes: make upgrade"),
    pytest.mark.timeout(1_800),
]

BEFORE = "20785d5"
"""The last commit of the distribution `dataflow`; its workers tell nobody which changelogs they read."""
NOW = Release("this tree", OURS.root, OURS.python)
EVENTS_PER_SECOND = 200  # of each stream
COUNTED_SECONDS = 180


@pytest.fixture(scope="module")
def before() -> Release:
    """Return the release before, with an environment of its own."""
    try:
        tree = checkout(BEFORE)
        return Release(BEFORE, tree.root, tree.python)
    except LookupError as error:
        pytest.skip(f"{error}: git fetch --unshallow")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a broker of its own."""
    with running_cluster(tmp_path, session_timeout_ms="6000") as cluster:
        yield cluster


def rows_of(folder: Path) -> Counter[str]:
    """Return how often each device is in the CSV files."""
    rows: Counter[str] = Counter()
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            rows.update(row["device_id"] for row in csv.DictReader(file))
    return rows


def received(worker: Worker, stream: str) -> object:
    """Return how many events of a stream are counted."""
    return ask_balances(worker)[stream]["received"]


def test_every_worker_is_replaced_and_put_back_and_each_event_counts_once(
    cluster: Cluster, before: Release, tmp_path: Path
):
    """Enrich, ingest and a sink, in the order of docs/upgrading.md and back, with no pause of the senders."""
    fleet, feed = Fleet(cluster, tmp_path / "csv"), Feed(cluster.broker.address)
    fleet.start(before)
    feed.start(EVENTS_PER_SECOND)
    with fleet.sender.running():
        fleet.replace_all(list(WORKERS), NOW)
        whole = [len(fleet.sender.accepted)]
        fleet.replace_all(list(reversed(WORKERS)), before)
    feed.stop()

    accepted = fleet.sender.accepted
    assert fleet.sender.error is None
    assert len(accepted) > whole[0] > 0
    cluster.wait_committed(feed.sent, COUNTED_SECONDS)
    known = {path.stem for path in (before.root / "tables").glob("*.py")}  # others count from now on only
    expected = {name: of for name, of in expected_tables(feed).items() if name in known}
    assert expected
    for worker in fleet.roles["enrich"]:
        wait_until(
            lambda worker=worker: received(worker, "analytics-events") == len(accepted),
            COUNTED_SECONDS,
            lambda worker=worker: f"{len(accepted)} events, but {received(worker, 'analytics-events')}",
        )
        check_balances(ask_balances(worker), feed)
        check_tables(ask_tables(worker), expected)
    check_outputs(read_outputs(cluster), feed)
    wait_until(
        lambda: rows_of(tmp_path / "csv") == Counter(accepted),
        COUNTED_SECONDS,
        lambda: f"{len(accepted)} rows, each once, but {rows_of(tmp_path / 'csv').total()}",
    )
    assert [worker.stop() for worker in cluster.workers] == [0] * len(cluster.workers)
