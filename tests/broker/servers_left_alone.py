"""Two tests that never end, with servers of every kind: `test_nothing_left_behind` interrupts them.

Not collected with the others: it is named by that test alone.
"""

import os
import time
from pathlib import Path

import pytest
from harness.workers import running_worker
from sinks.postgres_server import PostgresServer

from dataflow.demo.broker import EmbeddedBroker


@pytest.mark.parametrize("number", [1, 2])
def test_that_never_ends(number: int, own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Wait to be interrupted, once all servers run."""
    server = PostgresServer()
    server.start()
    with running_worker(own_broker.address, tmp_path, "left"):
        Path(os.environ["SERVERS_UP"], str(number)).touch()
        time.sleep(100)
