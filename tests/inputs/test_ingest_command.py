"""`dataflow ingest` on a real broker: every line in its topic once, whatever dies on the way."""

import asyncio
import gzip
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import fastavro
import orjson
import pytest
from chaos.waiting import wait_until

from dataflow.catalogue.declared import INGEST_RUNS, INGESTED, INGESTED_INPUTS
from dataflow.demo.samples import sample_events
from dataflow.inputs.lease import hold_lease

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("DATAFLOW_INGEST_KILLS", "4"))
LINES = 250_000


def numbered(path: Path, lines: int, mark: str = "") -> list[bytes]:
    """Write a log of numbered lines; return them, sorted."""
    line = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /%b/%d HTTP/1.1" 200 5\n'
    raw = b"".join(line % (mark.encode(), number) for number in range(lines))
    path.write_bytes(gzip.compress(raw, 1) if path.suffix == ".gz" else raw)
    return sorted(raw.splitlines())


def test_a_stream_that_is_newer_than_the_topics_is_told_what_to_do(own, tmp_path):
    """Each stream has a partition in the topics about inputs; it ended in an AssertionError of a client."""
    for topic in (INGESTED_INPUTS, INGEST_RUNS):
        own.kafka.delete_topic(topic.name)
        own.kafka.create_topics(topic.name, 1, **topic.configs)
    numbered(tmp_path / "a.log", 9)
    newest = list(INGESTED)[-1]
    told = own.ingest(tmp_path / "a.log", "--as", newest, code=1)
    expected = f"expected {len(INGESTED)} or more: `dataflow topics --grow` adds them"
    assert "topic ingested-inputs has 1 partitions, and is older than this stream" in told["said"]
    assert expected in " ".join(told["said"].split())
    command = [sys.executable, "-m", "dataflow", "topics", "--grow"]
    subprocess.run(
        command, env=own.environment, check=False, capture_output=True, timeout=60
    )  # others differ
    assert own.ingest(tmp_path / "a.log", "--as", newest)["lines"] == 9


def test_what_is_read_is_there_once_and_adds_up(own, tmp_path):
    """Lines = accepted + dead letters; a dead letter has the bytes as they were, and where they lay."""
    folder = tmp_path / "cdn"
    folder.mkdir()
    (folder / "a.ndjson").write_bytes(b'{"reqId":"1"}\n\nno text \xff\n{"reqId":"2"}\r\n')
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(b'{"reqId":"3"}\n' + b'"%b"\n' % (b"x" * 1_100_000)))
    told = own.ingest(folder, "--as", "cdn-logs")
    counts = {name: told[name] for name in ("inputs", "inputs_read", "lines", "accepted", "dead_lettered")}
    assert counts == {"inputs": 2, "inputs_read": 2, "lines": 5, "accepted": 3, "dead_lettered": 2}
    assert own.lines("cdn-logs") == [b'{"reqId":"%d"}' % number for number in (1, 2, 3)]
    letters = {read.value: dict(read.headers) for read in own.kafka.read_topic("dead-letters")}
    assert letters.keys() == {b"no text \xff", b'"%b"' % (b"x" * 1_100_000)}
    assert letters[b"no text \xff"] | {"dataflow-detail": b"", "dataflow-timestamp": b""} == {
        "dataflow-stage": b"ingest",
        "dataflow-reason": b"not_utf8",
        "dataflow-detail": b"",
        "dataflow-topic": b"cdn-logs",
        "dataflow-timestamp": b"",
        "dataflow-sender": str(folder / "a.ndjson").encode(),
    }

    again = own.ingest(folder, "--as", "cdn-logs")
    assert [again[name] for name in ("lines", "inputs_read", "already_in")] == [0, 0, 2]
    other = own.ingest(folder, "--as", "web-events")
    assert other["lines"] == 5
    assert len(own.lines("cdn-logs")) == len(own.lines("raw-web-events")) == 3


def test_bookings_in_avro_are_those_in_json(own, tmp_path):
    """All of the sample, field by field."""
    bookings = [orjson.loads(line) for line in sample_events("expedia")]
    kinds = {name: avro_kind(booking[name] for booking in bookings) for name in bookings[0]}
    fields = [{"name": name, "type": ["null", kind]} for name, kind in kinds.items()]
    with (tmp_path / "bookings.avro").open("wb") as file:
        schema = {"type": "record", "name": "Booking", "fields": fields}
        fastavro.writer(file, schema, bookings, codec="snappy")
    told = own.ingest(tmp_path / "bookings.avro", "--as", "bookings")
    assert (told["lines"], told["dead_lettered"]) == (len(bookings), 0)
    stored = [orjson.loads(line) for line in own.lines("expedia")]
    assert sorted(stored, key=by_id) == sorted(bookings, key=by_id)


def avro_kind(values) -> str:
    """Return the Avro type of a column."""
    kinds = {type(value) for value in values} - {type(None)}
    return {str: "string", int: "long"}.get(kinds.pop(), "double") if len(kinds) == 1 else "double"


def by_id(booking: dict[str, object]) -> object:
    """Return by what bookings are sorted."""
    return booking["id"]


def test_inputs_that_cannot_be_read_are_told_and_the_rest_is(own, tmp_path):
    """A line for each, and the exit code says so."""
    good, broken = tmp_path / "good.log", tmp_path / "broken.log.gz"
    lines = numbered(good, 100) + numbered(broken, 100, "b")
    broken.write_bytes(broken.read_bytes()[:-3])
    told = own.ingest(tmp_path / "none", broken, good, "--as", "access-logs", code=1)
    failed = [
        f"{tmp_path}/none cannot be read (No such file or directory); expected a file, a folder or s3://…",
        f"{broken} is truncated gzip; expected a whole file",
    ]
    assert told["failed"] == failed
    assert all(text in told["said"] for text in failed)
    assert own.lines() == sorted(lines)


def has_moved(own, process, before: int) -> bool:
    """Tell whether lines have come, or none will any more."""
    return own.end() > before or process.poll() is not None


@pytest.mark.timeout(120 + 30 * KILLS)
def test_killed_at_any_instant_it_goes_on_and_doubles_nothing(own, tmp_path):
    """Kill -9, then the same command once more; DATAFLOW_INGEST_KILLS sets how often."""
    lines = numbered(tmp_path / "a.log", LINES) + numbered(tmp_path / "b.log.gz", LINES // 4, "b")
    chance = random.Random(1)
    stored = 0
    for _ in range(KILLS):
        process = own.start(tmp_path / "a.log", tmp_path / "b.log.gz", "--as", "access-logs")
        if chance.random() < 0.7:  # at some instant after the first line, else at any
            wait_until(partial(has_moved, own, process, stored), 60, "lines")
            instant = chance.random() * 0.3
        else:
            instant = chance.random() * 3
        with suppress(subprocess.TimeoutExpired):
            process.wait(instant)
        process.kill()
        process.communicate()
        stored = own.end()
    told = own.ingest(tmp_path / "*.log*", "--as", "access-logs")
    assert told["failed"] == []
    assert own.lines() == sorted(lines)


@pytest.mark.timeout(200)
def test_a_broker_that_is_killed_on_the_way_costs_no_line(own, tmp_path):
    """The command ends with a clear line, or waits it out; run again it goes on."""
    lines = numbered(tmp_path / "a.log", 4 * LINES)
    process = own.start(tmp_path / "a.log", "--as", "access-logs")
    wait_until(lambda: own.end() > 0, 60, "lines")
    own.broker.kill()
    own.broker.start()
    own.broker.wait_ready()
    _, said = process.communicate(timeout=90)
    assert process.returncode in (0, 1)
    assert b"Traceback" not in said, said.decode()
    wait_until(lambda: own.start(tmp_path / "a.log", "--as", "access-logs").wait(60) == 0, 90, "a whole run")
    assert own.lines() == lines


def test_ctrl_c_ends_it_in_order(own, tmp_path):
    """What is under way is committed, and the rest comes with the next run."""
    lines = numbered(tmp_path / "a.log", 4 * LINES)
    process = own.start(tmp_path / "a.log", "--as", "access-logs")
    wait_until(lambda: own.end() > 0, 60, "lines")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again to continue." in said.decode()
    assert 0 < len(own.lines()) < len(lines)
    own.ingest(tmp_path / "a.log", "--as", "access-logs")
    assert own.lines() == lines


async def test_of_two_at_once_the_second_is_refused(own, tmp_path):
    """It says who reads; another stream is read meanwhile, and this one as soon as it may be."""
    numbered(tmp_path / "a.log", 10)
    (tmp_path / "b.ndjson").write_bytes(b'{"reqId":"1"}\n')
    connection = {"bootstrap_servers": [own.broker.address]}
    async with hold_lease(connection, "access-logs", list(INGESTED).index("access-logs")):
        told = await asyncio.to_thread(own.ingest, tmp_path / "a.log", "--as", "access-logs", code=1)
        assert f"inputs of access-logs are being read by process {os.getpid()} on" in told["said"]
        await asyncio.to_thread(own.ingest, tmp_path / "b.ndjson", "--as", "cdn-logs")
    assert own.end() == 0
    await asyncio.to_thread(own.ingest, tmp_path / "a.log", "--as", "access-logs")
    assert len(own.lines()) == 10


@pytest.mark.timeout(200)
def test_one_that_was_frozen_writes_nothing_more_once_another_has_begun(own, tmp_path):
    """The turn of a silent run is taken over; when it wakes, the broker refuses it."""
    lines = numbered(tmp_path / "a.log", 4 * LINES)
    first = own.start(tmp_path / "a.log", "--as", "access-logs")
    wait_until(lambda: own.end() > 0, 60, "lines")
    first.send_signal(signal.SIGSTOP)
    own.ingest(tmp_path / "a.log", "--as", "access-logs")
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 1, said
    assert b"Traceback" not in said, said.decode()
    assert own.lines() == lines
