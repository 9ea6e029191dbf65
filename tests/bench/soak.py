"""An hour of access logs, one worker as shipped: memory, latency, checkpoints and changelog by the minute.

Run `python tests/bench/soak.py [MINUTES [RATE [SVG]]]`. Nineteen of twenty lines are the sample's, whose
endpoints and clients are skewed; each twentieth asks for a path that nobody has asked for before. One JSON
object a minute goes to stdout; in the end all outputs, dead letters and counts must be there.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import psutil
from access_lines import broken, sample
from child import Child
from cluster import Cluster
from confluent_kafka import Consumer, Message, Producer
from flows.access_logs import ShippedLines
from machine import described, resident_bytes
from queries import ask
from soak_plot import plot
from steady import committed_reader
from worker import shipped_worker, wait_until_ready

from dataflow.demo.broker import EmbeddedBroker

NEW_EACH = 20
SAMPLE_SECONDS = 60.0
END_SECONDS = 60.0
KEPT = {"retention.bytes": str(256 << 20), "segment.bytes": str(64 << 20)}
BROKER = {
    "log.segment.delete.delay.ms": 1_000,
    "log.retention.check.interval.ms": 10_000,
    "log.cleaner.dedupe.buffer.size": 128 << 20,
}
PARSED = "access-logs-parsed"


@dataclass(frozen=True)
class Minute:
    """What the last minute took; bytes are what there is at its end."""

    minutes: float
    lines: int
    cores: float
    resident_mb: float
    p50_ms: int
    p99_ms: int
    checkpoint_ms: float
    changelog_mb: float
    open_files: int


@dataclass
class Watch:
    """The worker, and what had been counted of it when the last minute ended."""

    child: Child
    port: int
    home: Path
    began: float = field(default_factory=time.monotonic)
    waits: Counter[int] = field(default_factory=Counter)
    minutes: list[Minute] = field(default_factory=list)
    _cpu: float = 0.0
    _at: float = field(default_factory=time.monotonic)
    _checkpoints: tuple[float, float] = (0.0, 0.0)

    def end_minute(self) -> None:
        """Note, and print as one JSON object, what the time since the last call took."""
        self.minutes.append(self._minute())
        print(orjson.dumps(asdict(self.minutes[-1])).decode(), flush=True)

    def _minute(self) -> Minute:
        now, cpu, checkpoints = time.monotonic(), self.child.cpu_seconds, self._checkpoint_seconds()
        ranked, self.waits = sorted(self.waits.elements()) or [0], Counter()
        number = max(checkpoints[1] - self._checkpoints[1], 1)
        found = Minute(
            round((now - self.began) / 60, 2),
            len(ranked),
            round((cpu - self._cpu) / (now - self._at), 3),
            round(resident_bytes(self.child.pid) / 1e6, 1),
            ranked[len(ranked) // 2],
            ranked[len(ranked) * 99 // 100],
            round((checkpoints[0] - self._checkpoints[0]) / number * 1000, 1),
            round(sum(file.stat().st_size for file in self.home.rglob("*-changelog-*/*.log")) / 1e6, 1),
            psutil.Process(self.child.pid).num_fds(),
        )
        self._cpu, self._at, self._checkpoints = cpu, now, checkpoints
        return found

    def _checkpoint_seconds(self) -> tuple[float, float]:
        lines = ask(self.port, "/metrics")[1].decode().splitlines()
        name = "dataflow_checkpoint_seconds_"
        found = dict(line.removeprefix(name).split() for line in lines if line.startswith(name))
        return float(found["sum"]), float(found["count"])


def lines() -> Iterator[bytes]:
    """Yield lines of now, without end; each twentieth has a path of its own."""
    around = [(line[: line.index(b"[") + 1], line[line.index(b"]") :]) for line in sample()]
    dice, second, told = random.Random(1), 0, b""
    for number, (before, after) in enumerate(cycle(around)):
        now = int(time.time())
        if now != second:
            second, told = now, datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
        if number % NEW_EACH:
            yield before + told + after
        else:
            path = dice.randbytes(8).hex().encode()
            yield b"203.0.113.9 - - [" + told + b'] "GET /' + path + b' HTTP/1.1" 404 500 "-" "-"'


def send(flow: ShippedLines, watch: Watch, seconds: float, rate: int) -> tuple[int, int]:
    """Send at the pace, read what comes out, print each minute; return how many went in and came out."""
    producer = Producer(
        {"bootstrap.servers": flow.cluster.address, "linger.ms": 5, "enable.idempotence": True}
    )
    consumer = committed_reader(flow.cluster.address, PARSED, flow.partitions)
    values, sent, got, until = lines(), 0, 0, watch.began + seconds
    told = watch.began
    while told < until:
        now = time.monotonic()
        for _ in range(int((now - watch.began) * rate) - sent):
            producer.produce(flow.source, next(values), partition=sent % flow.partitions)
            sent += 1
        producer.poll(0)
        got += arrived(consumer, watch)
        if now >= told + SAMPLE_SECONDS:
            told += SAMPLE_SECONDS
            watch.end_minute()
    producer.flush(END_SECONDS)
    overdue = time.monotonic() + END_SECONDS
    while got < outputs(sent) and time.monotonic() < overdue:
        got += arrived(consumer, watch)
    consumer.close()
    return sent, got


def arrived(consumer: Consumer, watch: Watch) -> int:
    """Note how long what has come took; return how many these are."""
    found: list[Message] = [one for one in consumer.consume(5_000, 0.005) if one.error() is None]
    now_ms = int(time.time() * 1000)
    watch.waits.update(now_ms - message.timestamp()[1] for message in found)
    return len(found)


def outputs(sent: int) -> int:
    """Return how many of so many lines are whole."""
    return sent - cut_off(sent)


def cut_off(sent: int) -> int:
    """Return how many of so many lines are cut off: the sample's, where no new path stands in their place."""
    numbers = [number for number in range(len(sample())) if broken(number + 1) - broken(number)]
    assert len(sample()) % NEW_EACH == 0
    return sum((sent - number - 1) // len(sample()) + 1 for number in numbers if number % NEW_EACH)


def counted(port: int) -> int:
    """Return how many requests the table of statuses has in all time."""
    status, body = ask(port, "/tables/requests_per_status?window=all")
    assert status == 200, body
    return sum(entry["count"] for window in orjson.loads(body)["windows"] for entry in window["entries"])


def soak(broker: EmbeddedBroker, seconds: float, rate: int) -> list[Minute]:
    """Run the worker, compare in the end, and return what each minute took."""
    cluster = Cluster(broker.address)
    flow = ShippedLines(cluster, "soak", 0)
    with shipped_worker(flow) as (child, port):
        cluster.alter_topics([flow.source, PARSED], KEPT)
        wait_until_ready(child, port)
        watch = Watch(child, port, broker.home)
        sent, got = send(flow, watch, seconds, rate)
        dead = sum(1 for _ in cluster.read("dead-letters"))
        print(f"{sent:,} lines sent, {got:,} parsed, {cut_off(sent):,} cut off, {counted(port):,} counted")
        assert got == outputs(sent) == counted(port)
        assert dead == cut_off(sent)
        return watch.minutes


if __name__ == "__main__":
    asked = [*sys.argv[1:], *("60", "20000", "soak.svg")[len(sys.argv) - 1 :]]
    with TemporaryDirectory(prefix="soak-") as folder:
        running = EmbeddedBroker(Path(folder), jvm=("-Xmx1g", "-Xms512m"), properties=BROKER)
        running.start()
        try:
            running.wait_ready()
            minutes = soak(running, float(asked[0]) * 60, int(asked[1]))
        finally:
            running.kill()
    title = (
        f"Access logs as shipped, {int(asked[1]):,} lines/s, one in {NEW_EACH} with a new path; {described()}"
    )
    Path(asked[2]).write_text(plot(title, [asdict(minute) for minute in minutes]))
