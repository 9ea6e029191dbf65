"""The demo waits for its sinks: what a worker answers in; what is said, and when it is given up, out."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import Popen
from threading import Thread

import pytest

from dataflow.demo.play import stored_records
from dataflow.demo.play.cluster import Cluster
from dataflow.demo.play.stored_records import wait_until_stored
from dataflow.demo.play.workers import DemoWorker
from dataflow.errors import DataflowError


def a_sink(lag: int, error: str | None = None) -> dict[str, object]:
    """Return what /sinks tells of one."""
    since = "2027-01-15T08:00:00.000Z" if error else None
    return {"name": "postgres", "lag": {"records": lag}, "last_error": error, "retrying_since": since}


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[tuple[Cluster, list[list[dict[str, object]]]]]:
    """Return a cluster, and the list of its next answers; the last of them stands."""
    answers: list[list[dict[str, object]]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sinks = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"sinks": sinks}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setattr(stored_records, "POLL_SECONDS", 0.01)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        process = Popen([sys.executable, "-c", "input()"], stdin=-1)
        url = f"http://127.0.0.1:{server.server_port}"
        yield Cluster({}, [DemoWorker(url, tmp_path / "log", process, {})]), answers
        process.communicate(b"\n")
        server.shutdown()


def test_it_waits_until_nothing_is_behind_twice(cluster):
    """Outputs are seen up to a checkpoint after their counts: one look is not enough."""
    said: list[str] = []
    demo, answers = cluster
    answers += [[a_sink(0)], [a_sink(300)], [a_sink(7)], [a_sink(0)], [a_sink(0)], []]
    wait_until_stored(demo, said.append)
    assert said == [
        "Sinks: postgres has stored all.",
        "Sinks: postgres is 300 records behind.",
        "Sinks: postgres is 7 records behind.",
        "Sinks: postgres has stored all.",
    ]
    assert answers == [[]]


def test_without_sinks_it_does_not_wait(cluster):
    """As in the plain demo."""
    demo, answers = cluster
    answers += [[]]
    wait_until_stored(demo, pytest.fail)


def test_a_sink_that_is_away_is_named_and_not_waited_for_without_end(cluster, monkeypatch):
    """The words are those of the system."""
    monkeypatch.setattr(stored_records, "TIMEOUT_SECONDS", 0.1)
    demo, answers = cluster
    answers += [[a_sink(27_765, "PostgreSQL at db:5432: Connection refused")]]
    with pytest.raises(DataflowError) as told:
        wait_until_stored(demo, lambda _: None)
    assert str(told.value) == (
        "nothing has been stored for 0.1 s; expected every record: "
        "postgres is 27,765 records behind (PostgreSQL at db:5432: Connection refused)"
    )
