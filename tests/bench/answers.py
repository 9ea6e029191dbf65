"""Answers: a worker's port and addresses in; what eight clients get that ask without a pause out.

Run as a program, so that the clients do not wait for whoever measures: `answers.py PORT SECONDS PATH ...`.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import islice

import orjson
from access_lines import access_lines, broken
from cluster import PARTITIONS
from contest import Arena
from flows.access_logs import ShippedLines
from prometheus_client.parser import text_string_to_metric_families
from promise import Promise, Sizes
from queries import ask
from steady import Load, measure_steady
from worker import START_SECONDS, shipped_worker, wait_until_ready

CLIENTS = 8
LINES, RATE = 300_000, 5_000
WINDOWS = ("all", "minute", "hour", "day")
PATH = "/tables/requests_per_endpoint?window={}&top=10"


def answers(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Ask for the ten most wanted endpoints while nothing comes in, and at 5,000 lines a second."""
    flow = ShippedLines(arena.cluster, "bench-answers", LINES)
    with shipped_worker(flow) as (child, port):
        wait_until_ready(child, port)
        _wait_until_counted(port)
        rate, p99, refused = _clients(port, 10, [PATH.format("all")]).communicate()[0].split()
        yield Promise(
            f"GET {PATH.format('all')} after {LINES:,} lines, {CLIENTS} clients",
            f"{float(rate):.0f} a second, p99 {float(p99):.0f} ms, {int(refused)} refused",
            "≥ 500 a second",
            float(rate) >= 500 and not int(refused),
            {} if int(refused) else {"answers a second": float(rate)},
        )
        events = int(RATE * sizes.latency_seconds)
        whole = LINES + events - broken(LINES + events)  # what was there before is read again
        load = Load(islice(access_lines(LINES + events), LINES, None), events, RATE, PARTITIONS, whole)
        before = _delays(port)
        clients = _clients(port, sizes.latency_seconds, [PATH.format(window) for window in WINDOWS])
        found = measure_steady(arena.cluster.address, flow.source, "access-logs-parsed", load, child)
        rate, p99, refused = clients.communicate()[0].split()
        held = _p99(before, _delays(port))
    yield Promise(
        f"the same of four window sizes at {RATE:,} lines/s",
        f"{float(rate):.0f} a second, p99 {float(p99):.0f} ms, {int(refused)} refused; "
        f"{found.cores:.2f} cores, lines p99 {found.p99_ms} ms, loop late p99 ≤ {held * 1000:g} ms",
        "≥ 100 a second, p99 ≤ 50 ms",
        float(rate) >= 100 and float(p99) <= 50 and not int(refused),
        {} if int(refused) else {"busy answers a second": float(rate), "busy answers p99": float(p99)},
    )


def _wait_until_counted(port: int) -> None:
    deadline = time.monotonic() + 4 * START_SECONDS
    while time.monotonic() < deadline:
        _, body = ask(port, "/streams")
        if orjson.loads(body)["streams"]["access-logs"]["received"] == LINES:
            return
        time.sleep(0.2)
    raise AssertionError(f"worker has not counted {LINES} lines in {4 * START_SECONDS:g} s")


def _clients(port: int, seconds: float, paths: Sequence[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, str(port), str(seconds), *paths]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _delays(port: int) -> dict[float, float]:
    """Return how often the loop was at most so late, by seconds."""
    families = text_string_to_metric_families(ask(port, "/metrics")[1].decode())
    return {
        float(sample.labels["le"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "dataflow_loop_delay_seconds_bucket"
    }


def _p99(before: dict[float, float], after: dict[float, float]) -> float:
    counts = {le: count - before[le] for le, count in sorted(after.items())}
    return next(le for le, count in counts.items() if count >= 0.99 * max(counts.values()))


def _ask(port: int, seconds: float, paths: Sequence[str]) -> tuple[list[float], int]:
    connection, refused = HTTPConnection("127.0.0.1", port), 0
    waits: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        connection.request("GET", paths[len(waits) % len(paths)])
        reply = connection.getresponse()
        reply.read()
        refused += reply.status != 200
        waits.append(time.monotonic() - began)
    return waits, refused


def main(port: int, seconds: float, paths: Sequence[str]) -> None:
    """Print answers a second, ms of the 99th of 100, and how many were refused."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        told = list(pool.map(lambda _: _ask(port, seconds, paths), range(CLIENTS)))
    waits = sorted(wait for waits, _ in told for wait in waits)
    print(len(waits) / seconds, waits[len(waits) * 99 // 100] * 1000, sum(refused for _, refused in told))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
