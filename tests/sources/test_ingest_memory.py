"""Memory of ingest: all kinds of bad senders at once, and the most that the worker has ever held."""

import asyncio
import gzip
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chaos.waiting import wait_until
from sources.senders import Ingest, RawSender, answer_of, curl, ingest_worker

pytestmark = pytest.mark.long

MIB = 1 << 20
IN_FLIGHT_BYTES, BODY_BYTES = 32 * MIB, 8 * MIB
ROOM_BYTES = 192 * MIB
"""Beside the bound: buffers of 5,000 connections, bodies as they are unpacked, the allocator's slack."""

SLOW, SMALL = 2_500, 2_500
LARGE_BYTES = 4 * MIB


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """Return a worker with bounds that a test can reach."""
    bounds = {
        "ingest_in_flight_bytes": str(IN_FLIGHT_BYTES),
        "ingest_body_bytes": str(BODY_BYTES),
        "ingest_inflated_bytes": str(64 * MIB),
    }
    with ingest_worker(tmp_path_factory.mktemp("memory"), **bounds) as ingest:
        yield ingest


def most_resident(ingest: Ingest) -> int:
    """Return the most bytes that the worker has ever had resident."""
    status = Path(f"/proc/{ingest.worker.process.pid}/status").read_text()
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024


def in_flight(ingest: Ingest) -> float:
    """Return the bytes of requests that are not answered."""
    metrics = curl(ingest.url("/metrics")).body.decode()
    (number,) = re.findall(r"^dataflow_http_in_flight_bytes (\S+)$", metrics, re.MULTILINE)
    return float(number)


async def send(
    port: int, head: str, pieces: Iterable[bytes], hangs_until: asyncio.Event | None = None
) -> int:
    """Send a body in pieces; return the status, 0 without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"POST /ingest HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if hangs_until is not None:
            await hangs_until.wait()
            return 0
        answer = b""
        while not answer.endswith(b"}") and (more := await reader.read(65_536)):
            answer += more
        return answer_of(answer).status
    except OSError:  # closed while it was still sending
        return 0
    finally:
        writer.close()


async def test_memory_is_bounded_whatever_senders_do(ingest: Ingest, mark: bytes):
    """Slow ones, many small ones, large ones, bombs and bodies without end; who behaves is served."""
    port, before, over = ingest.worker.port, most_resident(ingest), asyncio.Event()
    slow = [
        asyncio.create_task(send(port, "Content-Length: 2000", [b"x" * 1_000], over)) for _ in range(SLOW)
    ]
    line = b'{"reqId":"%b","x":"%b"}\n'
    small = [line % (mark, b"%d" % number) for number in range(SMALL)]
    large = line % (mark, b"x" * 1_000) * (LARGE_BYTES // 1_050)
    bomb = gzip.compress(line % (mark, b"bomb") * (80 * MIB // 60), 1)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    statuses = await asyncio.gather(
        *(send(port, f"Content-Length: {len(body)}", [body]) for body in small),
        *(send(port, f"Content-Length: {len(large)}", [large]) for _ in range(12)),
        *(send(port, f"Content-Length: {len(bomb)}\r\nContent-Encoding: gzip", [bomb]) for _ in range(8)),
        *(send(port, "Transfer-Encoding: chunked", [chunk] * 1_000) for _ in range(8)),
    )
    over.set()
    await asyncio.gather(*slow)
    grown = most_resident(ingest) - before
    assert grown < IN_FLIGHT_BYTES + ROOM_BYTES, f"{grown / MIB:.0f} MiB"
    assert set(statuses[:-16]) <= {200, 429, 503}
    assert set(statuses[-16:]) <= {413, 429, 0}  # 0: it was still sending
    stored = sum(b"bomb" not in (one.value or b"") for one in ingest.read("cdn-logs", mark))
    in_large = large.count(b"\n")
    assert stored >= statuses[:SMALL].count(200) + in_large * statuses[SMALL : SMALL + 12].count(200)
    assert ingest.post("/ingest", b'{"a":1}').status == 200


def test_a_sender_that_would_be_too_much_is_put_off_and_served_later(ingest: Ingest, mark: bytes):
    """While others hold the memory; the same body is taken as soon as they are gone."""
    body = b'{"reqId":"%b"}\n' % mark * (2 * MIB // 50)
    hanging = [RawSender(ingest.worker.port) for _ in range(IN_FLIGHT_BYTES // BODY_BYTES)]
    for sender in hanging:
        sender.begin(f"Content-Length: {BODY_BYTES}")
        sender.say(b"x" * (BODY_BYTES - 1_000))
    refused = ingest.post("/ingest", body)
    for sender in hanging:
        sender.__exit__()
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)
    wait_until(lambda: ingest.post("/ingest", body).status == 200, 30, "room")


LARGE_JSON = {
    "tiny lines": b'{"rules":[],"lines":[%b"x"]}' % (b'"ab",' * 12_000_000),
    "lines that are none": b'{"rules":[],"lines":[%b1]}' % (b"1," * 30_000_000),
    "nested lines": b'{"rules":[],"lines":[%b1]}' % (b"[]," * 20_000_000),
    "fields that nobody knows": b"{%b}" % b",".join(b'"%x":1' % number for number in range(5_000_000)),
    "one field very often": b'{"rules":[],%b"lines":[]}' % (b'"lines":[],' * 5_000_000),
    "a text in place of a list": b'{"rules":[],"lines":"%b"}' % (b"a" * 60_000_000),
    "rules": b'{"rules":[%b1],"lines":[]}' % (b"1," * 30_000_000),
}
"""Bodies of a dry run that hold, as objects, many times their size."""
LETTERS, LETTER_BYTES = 300, 900_000


JSON_TYPE = ("-H", "Content-Type: application/json")


def test_json_and_records_are_never_held_as_objects_all_at_once(tmp_path: Path):
    """60 MB of short lines for a dry run took 1,468 MB, and the last records of a topic their own size."""
    with ingest_worker(tmp_path) as ingest:
        for name, body in LARGE_JSON.items():
            answer = ingest.post("/rules/dry-run", body, *JSON_TYPE)
            assert answer.status in {200, 400}, (name, answer)
            assert most_resident(ingest) < 300 * MIB, name
        for _ in range(LETTERS // 50):
            ingest.cluster.kafka.produce("dead-letters", [b"x" * LETTER_BYTES] * 50)
        listed = curl(ingest.url("/dead-letters?limit=1000")).json["dead_letters"]
        assert {letter["bytes"] for letter in listed} == {LETTER_BYTES}
        assert len(listed) == LETTERS
        wanted = b'{"rules":[],"topic":"dead-letters","last":1000000}'
        tried = ingest.post("/rules/dry-run", wanted, *JSON_TYPE).json
        assert (tried["lines"], tried["complete"]) == (LETTERS, True)
        assert most_resident(ingest) < 300 * MIB


def test_kafka_going_away_within_a_body_of_tiny_lines_costs_no_memory(tmp_path: Path):
    """Each line is an object of its own: 40 MB of them held 1.6 GB, as what could not be sent was kept."""
    body = gzip.compress(b"{}\n" * (40 * MIB // 3), 1)
    with ingest_worker(tmp_path, ingest_deadline_seconds="3") as ingest, ThreadPoolExecutor(1) as pool:
        assert ingest.post("/ingest", b"{}").status == 200
        packed = ("-H", "Content-Encoding: gzip")
        answer = pool.submit(ingest.post, "/ingest", body, *packed)
        wait_until(lambda: in_flight(ingest) > len(body), 30, "the first lines of the body on their way")
        ingest.cluster.broker.kill()
        assert answer.result().status in {200, 503}
        assert most_resident(ingest) < 300 * MIB
