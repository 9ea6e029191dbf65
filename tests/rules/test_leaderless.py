"""A worker that starts while the rules have no leader: the streams that need them wait, the others run."""

from pathlib import Path

import pytest
from harness.second_broker import two_brokers
from harness.workers import Reply, running_worker

pytestmark = pytest.mark.long

BOOKING = b'{"srch_ci":"2026-01-01","srch_co":"2026-01-03"}'
LINE = b'{"reqTimeSec":"1600000000","reqPath":"a","statusCode":"200"}'


def is_paused(reply: Reply, stream: str) -> bool:
    """Tell whether a worker is ready, but for this stream alone."""
    return reply.status == 200 and list(reply.json["paused"]) == [stream]


@pytest.mark.parametrize(
    ("document", "source", "path", "empty"),
    [("filter-rules", "cdn-logs", "/rules", b"[]"), ("utm-sources", "raw-web-events", "/utm-sources", b"{}")],
)
def test_only_streams_that_need_a_document_wait_for_its_leader(
    document: str, source: str, path: str, empty: bytes, tmp_path: Path
):
    """The whole worker waited, with no partition of any stream and no word of the reason in /readyz.

    Who asked for the document heard that this worker does not filter; its versions, and a change, took 40 s
    to be refused with `Failed to get offsets by times`.
    """
    with two_brokers(tmp_path) as brokers:
        brokers.place_declared(document, [2])
        brokers.kill_second(document)
        with running_worker(brokers.first.address, tmp_path, "leaderless") as worker:
            reply = worker.wait_for("/readyz", lambda reply: is_paused(reply, source))
            pause = reply.json["paused"][source]
            assert pause["cause"] == "no_leader"
            assert f"topic {document}, which stream {source} needs, has no leader" in pause["detail"]
            brokers.kafka.produce("expedia", [BOOKING] * 10)
            worker.wait_counted({"expedia": 10})
            assert worker.get("/topics").status == 200
            assert f"topic {document} with a leader" in worker.get(path).json["error"]
            for reply in (worker.get(f"{path}/log"), worker.get(path, "PUT", empty, If_Match="*")):
                assert reply.status == 503
                assert f"partition 0 of {document} has no leader" in reply.json["error"]
            brokers.kafka.produce(source, [LINE] * 10)
            brokers.restart_second()
            worker.wait_counted({source: 10})
            worker.wait_for("/readyz", lambda reply: reply.status == 200 and not reply.json["paused"])
            log = worker.log.read_text()
            assert "Traceback" not in log
            assert "Stream goes on." in log
