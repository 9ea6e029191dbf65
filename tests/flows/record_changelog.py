"""Records changelogs with the code of this tree: `python tests/flows/record_changelog.py FILE`.

A recording is never made anew for code that cannot read it: that is what it is for.
"""

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from flows.changelog_recording import (
    APP_ID,
    PARTITIONS,
    Record,
    Recording,
    answers_of,
    committed,
    create_topics,
    produce,
    worker_on,
)
from harness.workers import DEADLINE_SECONDS, Worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.samples import sample_events

WRITTEN_AT_MS = 1_800_000_000_000  # after all events: else they would be from the future
ACCESS_LOGS = Path(__file__).parents[1] / "data" / "access_logs" / "apache_combined_10k.log.gz"
FIRST, MORE = 240, 48
"""Events of a stream."""


def _events(part: slice, count: int) -> dict[str, list[Record]]:
    """Return events of every stream, spread over its part of the samples, dealt out to the partitions."""
    streams = {stream: sample_events(stream) for stream in ("cdn-logs", "expedia", "raw-web-events")}
    streams["access-logs"] = gzip.decompress(ACCESS_LOGS.read_bytes()).splitlines()
    streams["analytics-events"] = [_analytics_event(n) for n in range(3_000)]
    return {stream: _records(_spread(events[part], count)) for stream, events in streams.items()}


def _spread(values: Sequence[bytes], count: int) -> Sequence[bytes]:
    return values[:: len(values) // count][:count]


def _analytics_event(n: int) -> bytes:
    kind = ("START_SESSION", "REVENUE", "END_SESSION")[n % 3]
    at = f"2026-01-0{1 + n % 7}T0{n % 9}:00:00Z"
    return json.dumps({"device_id": f"d{n % 37}", "event_type": kind, "created_on": at}).encode()


def _records(values: Sequence[bytes]) -> list[Record]:
    return [Record(n % PARTITIONS, None, value, WRITTEN_AT_MS + 1_000 * n) for n, value in enumerate(values)]


def _odd_lines() -> dict[str, list[Record]]:
    """Return events that are undated, too far ahead, late, or of no use."""
    line = {"reqPath": "/odd", "statusCode": 503, "cliIP": "192.0.2.1"}
    lines = [
        json.dumps(line | {"reqTimeSec": at}).encode() for at in ("-", "2240611200.000", "1400000000.000")
    ]
    useless = [b"", b"[]", b"{", b"\xff"]
    return {"cdn-logs": _records([*lines, *useless]), "expedia": _records(useless)}


def _wait_counted(worker: Worker, kafka: KafkaClient, sent: Mapping[str, int]) -> None:
    """Wait until all is counted and committed; dead letters, too."""
    _wait_committed(worker, kafka, sent)
    _wait_committed(worker, kafka, {"dead-letters": len(kafka.read_topic("dead-letters"))})


def _wait_committed(worker: Worker, kafka: KafkaClient, sent: Mapping[str, int]) -> None:
    worker.wait_counted(sent)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while sum(at.offset for at in committed(kafka, [*sent])) < sum(sent.values()):
        assert time.monotonic() < deadline, f"{sent} not committed"


def record(kafka: KafkaClient, broker: EmbeddedBroker, folder: Path) -> Recording:
    """Run a worker over some events, and then over more; return what it kept and what it served."""
    first, more = _events(slice(None, None, 2), FIRST), _events(slice(1, None, 2), MORE)
    odd = _odd_lines()
    sent = {stream: len(records) + len(odd.get(stream, ())) for stream, records in first.items()}
    topics = [*sent, "dead-letters"]
    with worker_on(broker, folder) as worker:
        # Not at once: entries are written over by later checkpoints.
        produce(kafka, {stream: records[: FIRST // 2] for stream, records in first.items()})
        produce(kafka, {stream: records[FIRST // 2 :] for stream, records in first.items()})
        produce(kafka, odd)
        _wait_counted(worker, kafka, sent)
        changelogs = {topic: _read(kafka, f"{APP_ID}-{topic}-changelog") for topic in topics}
        offsets, answers = committed(kafka, topics), answers_of(worker)
        produce(kafka, more)
        _wait_counted(worker, kafka, {stream: sent[stream] + len(more[stream]) for stream in sent})
        return Recording(changelogs, offsets, answers, more, answers_of(worker))


def _read(kafka: KafkaClient, topic: str) -> list[Record]:
    return [Record(r.partition, r.key, r.value, r.timestamp, r.headers) for r in kafka.read_topic(topic)]


def main(target: Path, folder: Path) -> None:
    """Write a recording to a file."""
    broker = EmbeddedBroker(folder / "broker", properties={"group.min.session.timeout.ms": 1000})
    broker.start()
    broker.wait_ready()
    try:
        kafka = KafkaClient(broker.address)
        create_topics(kafka)
        raw = msgspec.json.encode(record(kafka, broker, folder))
    finally:
        broker.kill()
    target.write_bytes(gzip.compress(raw, 9, mtime=0))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(sys.argv[1]), Path(temporary))
