"""Queries: the address of a busy worker in, how long its answers take out.

Run as a program, so that it does not wait for whoever produces: `queries.py PORT SECONDS PATH ...`.
"""

import http.client
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Queries:
    """Milliseconds from request to answer, by rank, while the worker was behind."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    asked: int
    refused: int
    """Answers other than 200 after the first 200."""


def measure_queries(port: int, path: str, seconds: float) -> Queries:
    """Ask again and again, from the first answer with a count until the worker has caught up."""
    waits, refused, deadline = [], 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        status, body = ask(port, path)
        taken = (time.monotonic() - began) * 1000
        lag = orjson.loads(body)["lag"]["records"] if status == 200 else None
        if lag and _count(body):
            waits.append(taken)
        elif waits:
            if lag == 0:
                break
            refused += status != 200
        time.sleep(PAUSE_SECONDS)
    return _ranked(waits, refused)


def ask_steadily(port: int, path: str, seconds: float) -> Queries:
    """Ask fifty times a second for so long."""
    waits, refused, until = [], 0, time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        status, _ = ask(port, path)
        taken = time.monotonic() - began
        waits.append(taken * 1000)
        refused += status != 200
        time.sleep(max(PAUSE_SECONDS - taken, 0))
    return _ranked(waits, refused)


def _ranked(waits: Sequence[float], refused: int) -> Queries:
    ranked = sorted(waits) or [0.0]
    return Queries(ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100], ranked[-1], len(waits), refused)


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body of a GET, or a POST if there is a body; 0 where nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def _count(body: bytes) -> int:
    return sum(entry["count"] for window in orjson.loads(body)["windows"] for entry in window["entries"])


if __name__ == "__main__":
    asked = [ask_steadily(int(sys.argv[1]), path, float(sys.argv[2])) for path in sys.argv[3:]]
    sys.stdout.buffer.write(orjson.dumps([asdict(found) for found in asked]))
