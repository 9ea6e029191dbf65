"""A crowd: many more senders than a worker may open files, whose limit cannot be raised."""

import asyncio
import json
import re
from pathlib import Path

from sources.senders import Ingest, answer_of, curl, ingest_worker

SENDERS = 2_500
FILES = 1_024
IDLE = 900
LINE = b'{"reqId":"crowd"}\n'


async def send(port: int) -> int:
    """Send a line; return the status, 0 for a connection that was broken off."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            head = f"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(LINE)}\r\n\r\n"
            writer.write(head.encode() + LINE)
            answer = b""
            while not answer.endswith(b"}") and (more := await reader.read(65_536)):
                answer += more
            return answer_of(answer).status
        finally:
            writer.close()
    except OSError:
        return 0


def metric(ingest: Ingest, name: str) -> float:
    """Return the value of a metric."""
    (value,) = re.findall(rf"^{name} (\S+)$", curl(ingest.url("/metrics")).body.decode(), re.MULTILINE)
    return float(value)


async def test_a_crowd_is_told_to_come_again_and_nobody_is_dropped(tmp_path: Path):
    """Of 2,500 senders at once 1,498 got a broken connection, and no log line said why."""
    with ingest_worker(tmp_path) as ingest:
        worker = ingest.worker
        assert worker.stop() == 0
        worker.launcher = ["prlimit", f"--nofile={FILES}:{FILES}"]
        worker.start().wait_ready(90)
        idle = [await asyncio.open_connection("127.0.0.1", worker.port) for _ in range(IDLE)]
        statuses = await asyncio.gather(*(send(worker.port) for _ in range(SENDERS)))
        assert set(statuses) <= {200, 503}
        assert await asyncio.to_thread(worker.ask, "/healthz") == (200, {"healthy": True})
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(1)
        assert await asyncio.gather(*(send(worker.port) for _ in range(100))) == [200] * 100
        stored = len(await asyncio.to_thread(ingest.read, "cdn-logs", b"crowd"))
        assert stored >= statuses.count(200) + 100
        assert metric(ingest, "dataflow_http_crowded_out_requests_total") == statuses.count(503)
        logged = [json.loads(line) for line in worker.said().splitlines() if line.startswith("{")]
        crowds = [each for each in logged if each["message"].startswith("Too many connections are open")]
        assert 1 <= len(crowds) <= 6
        assert crowds[0]["most"] == FILES * 3 // 4
