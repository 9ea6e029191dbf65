"""`dataflow status` asks a real worker."""

import json
import subprocess
import sys
from collections.abc import Callable

from harness.web_events import SENT
from harness.workers import Worker


def test_status_shows_streams_workers_and_sinks_of_a_cluster(start_worker: Callable[[], Worker]):
    """At a glance: what an operator looks at first, and scripts read."""
    worker = start_worker()  # of an app whose sinks no other test has started and stopped
    worker.wait_ready()
    worker.wait_counted(SENT)
    command = [sys.executable, "-m", "dataflow", "status", "--url", worker.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["faults"]) == (0, [])
    assert shown["streams"]["streams"]["expedia"]["received"] == SENT["expedia"]
    assert [each["url"] for each in shown["workers"]["workers"]] == [worker.url]
    assert shown["sinks"] == {"sinks": []}
