"""Ingest when something dies: what was answered with 2xx is in Kafka, and nothing is doubled by us."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from chaos.waiting import wait_until
from sources.senders import READY_SECONDS, Ingest, answer_of

pytestmark = pytest.mark.long

UPLOADS, LINES = 1_000, 20


def body_of(mark: bytes, number: int) -> bytes:
    """Return the lines of one upload, as no other has them."""
    return b"".join(b'{"reqId":"%b-%d-%d"}\n' % (mark, number, line) for line in range(LINES))


async def upload(port: int, body: bytes, end_after: asyncio.Event | None = None) -> int:
    """Send a body, its end not before `end_after`; return the status, 0 when there was no answer."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0
    try:
        writer.write(
            f"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body[:-1]
        )
        if end_after is not None:
            await end_after.wait()
        writer.write(body[-1:])
        answer = b""
        while not answer.endswith(b"}"):
            piece = await reader.read(65_536)
            if not piece:
                return 0
            answer += piece
        return answer_of(answer).status
    except OSError:
        return 0
    finally:
        writer.close()


async def upload_all(ingest: Ingest, mark: bytes, when: int, then: Callable[[], None]) -> dict[int, int]:
    """Upload all at the same time; do `then` as soon as `when` of them were answered.

    Some are under way at that moment, however quick the worker is and slow the senders are.
    """
    statuses: dict[int, int] = {}
    done = asyncio.Event()

    async def one(number: int) -> None:
        slow = done if number % 20 == 0 else None
        statuses[number] = await upload(ingest.worker.port, body_of(mark, number), slow)
        if len(statuses) == when:
            then()
            done.set()

    await asyncio.gather(*(one(number) for number in range(UPLOADS)))
    return statuses


def stored(ingest: Ingest, mark: bytes) -> Counter[bytes]:
    """Return how often each line is in Kafka."""
    return Counter(ingest.values("cdn-logs", mark))


def lines_of(mark: bytes, numbers: list[int]) -> set[bytes]:
    """Return the lines of these uploads."""
    return {line for number in numbers for line in body_of(mark, number).splitlines()}


def test_a_worker_killed_during_1000_uploads_has_lost_nothing_it_acknowledged(own_ingest, mark: bytes):
    """And what got no answer is there once at most: doubling is left to the sender's own retry."""
    ingest = own_ingest()
    process = ingest.worker.process.pid
    statuses = asyncio.run(upload_all(ingest, mark, 300, lambda: os.kill(process, signal.SIGKILL)))
    ingest.worker.process.wait()
    acknowledged = [number for number, status in statuses.items() if status == 200]
    assert 300 <= len(acknowledged) < UPLOADS
    assert set(statuses.values()) == {200, 0}
    found = stored(ingest, mark)
    assert lines_of(mark, acknowledged) <= found.keys()
    assert set(found.values()) == {1}

    ingest.worker.start().wait_ready(READY_SECONDS)  # the senders' own retry
    again = [number for number, status in statuses.items() if status != 200]
    for number in again[:20]:
        assert asyncio.run(upload(ingest.worker.port, body_of(mark, number))) == 200
    assert lines_of(mark, again[:20]) <= stored(ingest, mark).keys()


def test_a_worker_that_is_ended_answers_what_it_has(own_ingest, mark: bytes):
    """A rolling update must cost no sender anything but a retry."""
    ingest = own_ingest()
    statuses = asyncio.run(upload_all(ingest, mark, 100, ingest.worker.terminate))
    assert ingest.worker.wait_exit(60) == 0
    acknowledged = [number for number, status in statuses.items() if status == 200]
    assert lines_of(mark, acknowledged) <= stored(ingest, mark).keys()
    assert set(stored(ingest, mark).values()) == {1}


def test_without_kafka_senders_are_put_off_and_then_served_again(own_ingest, mark: bytes):
    """503 with Retry-After, quickly; memory does not fill up, and it comes back by itself."""
    ingest = own_ingest(ingest_deadline_seconds="3")
    assert ingest.post("/ingest", body_of(mark, 1)).status == 200
    ingest.cluster.broker.kill()
    for _ in range(3):
        answer = ingest.post("/ingest", body_of(mark, 2))
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert ingest.worker.ask("/readyz")[0] == 503
    assert ingest.post("/events", b"{}").status == 400  # what is wrong is wrong without Kafka, too
    ingest.cluster.broker.start()
    ingest.cluster.broker.wait_ready()
    wait_until(lambda: ingest.post("/ingest", body_of(mark, 3)).status == 200, 60, "an answer of 200")
    assert lines_of(mark, [1, 3]) <= stored(ingest, mark).keys()
    assert ingest.worker.ask("/readyz")[0] == 200


def test_a_broker_that_is_too_slow_puts_senders_off(own_ingest, mark: bytes):
    """It is there and says nothing: a sender must not wait for longer than it was told."""
    ingest = own_ingest(ingest_deadline_seconds="2")
    assert ingest.post("/ingest", body_of(mark, 1)).status == 200
    os.kill(ingest.cluster.broker.pid, signal.SIGSTOP)
    try:
        answer = ingest.post("/ingest", body_of(mark, 2))
    finally:
        os.kill(ingest.cluster.broker.pid, signal.SIGCONT)
    assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
    wait_until(lambda: ingest.post("/ingest", body_of(mark, 3)).status == 200, 60, "an answer of 200")
    assert lines_of(mark, [1, 3]) <= stored(ingest, mark).keys()


def test_a_broker_killed_during_1000_uploads_has_lost_nothing(own_ingest, mark: bytes):
    """It comes back with its data; the producer goes on or starts anew, and doubles nothing by itself."""
    ingest = own_ingest(ingest_deadline_seconds="30")

    def restart() -> None:
        ingest.cluster.broker.kill()
        ingest.cluster.broker.start()

    statuses = asyncio.run(upload_all(ingest, mark, 300, restart))
    ingest.cluster.broker.wait_ready()
    assert set(statuses.values()) <= {200, 429, 503}
    acknowledged = [number for number, status in statuses.items() if status == 200]
    assert len(acknowledged) >= 300
    found = stored(ingest, mark)
    assert lines_of(mark, acknowledged) <= found.keys()
    assert set(found.values()) == {1}
