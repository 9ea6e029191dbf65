"""Signals to a worker, other than those by which it is usually stopped."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.workers import running_worker

from dataflow.demo.broker import EmbeddedBroker

STOP_SECONDS = 30


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no such signals")
def test_a_worker_whose_terminal_is_closed_stops_in_good_order(
    broker: EmbeddedBroker, tmp_path: Path, unique: Callable[[str], str]
):
    """It ended without a word, and a stray SIGUSR2 started a debugger amid the loop."""
    with running_worker(broker.address, tmp_path, unique("app")) as worker:
        worker.wait_ready()
        worker.process.send_signal(signal.SIGUSR2)
        worker.wait_for("/healthz", lambda reply: reply.status == 200 and "THREAD" in worker.log.read_text())
        worker.process.send_signal(signal.SIGHUP)
        assert worker.process.wait(STOP_SECONDS) == 0
        assert "Starting debugger" not in worker.log.read_text()
