"""Workers that take no partitions: they ask those that have them, and say what is missing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness.web_events import SENT
from harness.workers import Reply, Worker, has_received, running_worker
from web.test_workers import PATHS, counts_of, missing

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long

Start = Callable[..., Worker]


@pytest.fixture
def start(web_broker: EmbeddedBroker, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker of an app, in a role, with these settings."""
    with ExitStack() as running:
        yield lambda app_id, role, **chosen: running.enter_context(
            running_worker(
                web_broker.address,
                tmp_path,
                app_id,
                DATAFLOW_ROLE=role,
                **{f"DATAFLOW_{name.upper()}": value for name, value in chosen.items()},
            )
        )


def test_a_worker_of_any_role_answers_for_the_cluster(worker: Worker, start: Start, tmp_path: Path):
    """The page of such a worker polls each second, and had a fault for an answer each time."""
    observers = [start("one", "ingest"), start("one", "sink-csv", csv_dir=str(tmp_path / "csv"))]
    for observer in observers:
        observer.wait_counted(SENT)
        for path in PATHS:
            assert counts_of(observer.get(path)) == counts_of(worker.get(path)), path
        [described] = [t for t in observer.get("/tables").json["tables"] if t["name"] == "stays_per_category"]
        assert described["partitions"] == 4
        assert observer.get("/analytics/error_rate").json == worker.get("/analytics/error_rate").json
        assert observer.get("/rules/versions").json["filter_rules"].keys() == {worker.url}


def test_it_names_what_it_lacks_and_finds_the_new_owner(start: Start, unique: Callable[[str], str]):
    """In whichever group of the app that is: the worker itself is in none."""
    app_id = unique("observed")
    observer = start(app_id, "ingest")
    assert observer.wait_for("/streams", lambda reply: True).status == 503
    killed = start(app_id, "enrich", instance_id="killed")  # by name: it is missed for a session
    other = start(app_id, "enrich")
    for owner in (killed, other):
        owner.wait_ready()
    observer.wait_counted(SENT)

    killed.kill()
    partial = observer.wait_for("/streams", lambda reply: reply.status == 200 and bool(missing(reply)))

    assert not has_received(partial, SENT)
    observer.wait_for("/streams", _is_whole)
    other.process.terminate()
    assert other.process.wait(60) == 0
    refused = observer.wait_for("/streams", lambda reply: reply.status == 503)
    assert "none of their owners has answered" in refused.json["error"]
    start(app_id, "enrich", streams="bookings")
    alone = observer.wait_for("/streams", lambda reply: reply.status == 200)
    assert alone.json["partitions"]["expedia"]["missing"] == []
    assert alone.json["partitions"]["access-logs"]["missing"] == [0, 1, 2, 3]
    assert "Traceback" not in observer.log.read_text()


def _is_whole(reply: Reply) -> bool:
    return reply.status == 200 and not missing(reply) and has_received(reply, SENT)
