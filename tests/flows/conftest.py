"""Fixtures of the tests of whole flows: a cluster for one test, and one that has played the samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chaos.answers import ask_balances, ask_tables
from chaos.checks import Records, read_outputs
from chaos.cluster import DEAD_LETTERS, Cluster, running_cluster
from chaos.counts import Windows
from chaos.feed import Feed
from kafka_client import Read


@dataclass(frozen=True)
class Played:
    """What has become of every sample event, after one worker has run once."""

    feed: Feed
    outputs: Records
    dead_letters: list[Read]
    event_counts_by_stream: dict[str, dict[str, object]]
    tables: dict[str, Windows]
    kept: dict[str, Any]
    exit_code: int


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a broker of its own with all topics, and no worker."""
    with running_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play all samples through one worker; what it served is read before it ends, the rest after."""
    with running_cluster(tmp_path_factory.mktemp("samples")) as cluster:
        worker = cluster.start_worker()
        feed = Feed(cluster.broker.address)
        feed.play_samples()
        cluster.wait_committed(feed.sent)
        event_counts_by_stream, tables = ask_balances(worker), ask_tables(worker)
        exit_code = worker.stop()
        yield Played(
            feed=feed,
            outputs=read_outputs(cluster),
            dead_letters=cluster.kafka.read_topic(DEAD_LETTERS),
            event_counts_by_stream=event_counts_by_stream,
            tables=tables,
            kept=cluster.changelogs(),
            exit_code=exit_code,
        )
