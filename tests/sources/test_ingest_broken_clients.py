"""Ingest under clients that are slow, broken or too many: memory stays, and nobody else waits."""

import asyncio
import gzip
from http import HTTPStatus

import psutil
import pytest
from sources.senders import Ingest, RawSender, answer_of

BODY_BYTES = 2 << 20  # bounds of the session's worker, see conftest.py
IN_FLIGHT_BYTES = 16 << 20
ROOM_BYTES = 150 << 20
"""What a worker may grow by in a test: its bounds, the allocator's slack, a connection's buffers."""


def memory_of(ingest: Ingest) -> int:
    """Return the worker's resident bytes."""
    return psutil.Process(ingest.worker.process.pid).memory_info().rss


def test_a_slow_body_is_told_to_come_again(ingest: Ingest):
    """A 408 would be the word for it, but DataStream drops the batch at that."""
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Content-Length: 100")
        sender.say(b'{"a":1}\n')
        answer = sender.hear()
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0
    assert "has not arrived within 2 s" in answer.error


def test_a_body_that_never_ends_is_ended(ingest: Ingest):
    """Two megabytes are the bound here; nobody reads on."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Transfer-Encoding: chunked")
        for _ in range(10 * BODY_BYTES // len(chunk)):
            if not sender.say(chunk):
                break
        answer = sender.hear()
    assert answer.status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 0)  # 0: it was still sending


def test_a_length_that_is_too_large_is_refused_before_anything_is_read(ingest: Ingest):
    """The sender need not send it all."""
    with RawSender(ingest.worker.port) as sender:
        sender.begin(f"Content-Length: {BODY_BYTES + 1}")
        assert sender.hear().status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}\r\n0\r\n\r\n", b"-1\r\n", b"\0\0\0\0\r\n"]
)
def test_broken_chunks_are_refused_and_store_nothing(ingest: Ingest, mark: bytes, chunks: bytes):
    """What came before may be half of a line."""
    line = b'{"reqId":"%b"}\n' % mark
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Transfer-Encoding: chunked")
        sender.say(b"%x\r\n%b\r\n%b" % (len(line), line, chunks))
        # By the server's parser at once, or by our clock when the head came before the rest.
        assert sender.hear().status in (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
    assert ingest.read("cdn-logs", mark) == []


def test_a_body_that_is_packed_for_its_transfer_is_refused(ingest: Ingest):
    """The packed bytes were stored as they were: all lines of the body became two dead letters."""
    packed = gzip.compress(b'{"a":1}\n' * 100)
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Transfer-Encoding: gzip, chunked")
        sender.say(b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed))
        answer = sender.hear()
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert answer.error.startswith("Transfer-Encoding is 'gzip, chunked'; expected chunked")


def test_a_connection_that_breaks_stores_nothing(ingest: Ingest, mark: bytes):
    """The sender got no answer, and will send all of it again."""
    line = b'{"reqId":"%b"}\n' % mark
    for _ in range(20):
        with RawSender(ingest.worker.port) as sender:
            sender.begin("Content-Length: 1000")
            sender.say(line * 3)
    assert ingest.post("/ingest", line).json["accepted"] == 1
    assert len(ingest.read("cdn-logs", mark)) == 1
    assert "View has failed" not in ingest.worker.said()  # it is nobody's fault here


def test_too_many_bytes_at_once_are_told_to_come_again(ingest: Ingest):
    """Bodies that hang half sent fill the bound; the next gets a 429, and later a 200."""
    hanging = [RawSender(ingest.worker.port) for _ in range(IN_FLIGHT_BYTES // BODY_BYTES + 4)]
    try:
        for sender in hanging:
            sender.begin(f"Content-Length: {BODY_BYTES}")
            sender.say(b"x" * (BODY_BYTES - 1_000))
        answers = [sender.hear() for sender in hanging]
    finally:
        for sender in hanging:
            sender.__exit__()
    statuses = {answer.status for answer in answers}
    assert statuses == {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    refused = next(answer for answer in answers if answer.status == HTTPStatus.TOO_MANY_REQUESTS)
    assert int(refused.headers["Retry-After"]) > 0
    assert ingest.post("/ingest", b'{"a":1}').status == HTTPStatus.OK


async def upload(port: int, body: bytes, headers: str = "", wait_seconds: float = 0.0) -> int:
    """Send a body, in two halves with a wait between them; return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body[: len(body) // 2])
        await asyncio.sleep(wait_seconds)
        writer.write(body[len(body) // 2 :])
        answer = b""
        while not answer.endswith(b"}"):
            answer += await reader.read(65_536)
        return answer_of(answer).status
    finally:
        writer.close()


async def test_2500_senders_at_once_are_all_served(ingest: Ingest, mark: bytes):
    """As many as DataStream has, each with a small body that comes in two parts."""
    before = memory_of(ingest)
    bodies = [b'{"reqId":"%b-%d"}\n' % (mark, number) for number in range(2_500)]
    statuses = await asyncio.gather(*(upload(ingest.worker.port, body, wait_seconds=0.5) for body in bodies))
    assert set(statuses) <= {200, 503}  # 503: a half of it was two seconds late on a busy machine
    stored = len(ingest.read("cdn-logs", mark))
    assert stored == statuses.count(200) > 2_000
    assert memory_of(ingest) - before < ROOM_BYTES


async def test_bombs_at_once_do_not_add_up(ingest: Ingest, mark: bytes):
    """Forty times 64 MiB, each 300 kB on the wire; not a line of them is stored."""
    bomb = gzip.compress(b'{"a":"%b"}\n' % mark * (3 << 19), 1)
    assert len(bomb) < BODY_BYTES
    before = memory_of(ingest)
    packed = "Content-Encoding: gzip\r\n"
    statuses = await asyncio.gather(*(upload(ingest.worker.port, bomb, packed) for _ in range(40)))
    assert set(statuses) <= {413, 429}
    assert memory_of(ingest) - before < ROOM_BYTES
    assert ingest.read("cdn-logs", mark) == []
