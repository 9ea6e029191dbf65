"""Fixture of the tests with faults: a cluster whose broker and workers may be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.cluster import Cluster, running_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a broker of its own with all topics, and no worker."""
    with running_cluster(tmp_path) as cluster:
        yield cluster
