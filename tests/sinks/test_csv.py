import asyncio
import csv
import json
import random
from pathlib import Path

import pytest
from chaos.worker import Worker
from kafka_client import KafkaClient
from sinks.access_lines import RECORDS
from sinks.waiting import until

from dataflow.broker.ports import free_port
from dataflow.sinks.csv import CsvSink
from dataflow.sinks.csv_files import Rotation
from dataflow.topics import ANALYTICS_EVENTS, DEAD_LETTERS

HEADER = ["device_id", "event_type", "created_on"]
DAY_MS = 86_400_000


def an_event(number: int) -> bytes:
    """Return an event whose fields need all of the quoting there is."""
    event = {"device_id": f'd "{number}",\n', "event_type": "REVENUE", "created_on": "2026-01-02T03:04:05Z"}
    return json.dumps(event).encode()


def numbers_in(folder: Path) -> list[int]:
    """Return the number of every line of all files, which have one header each."""
    numbers = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            header, *lines = csv.reader(file, strict=True)
        assert header == HEADER
        numbers += [int(line[0].removeprefix('d "').removesuffix('",\n')) for line in lines]
    return numbers


@pytest.fixture
def events(own_broker):
    """Return a client of a broker that has so many analytics events, and nothing else."""
    client = KafkaClient(own_broker.address)
    client.create_topics([ANALYTICS_EVENTS, DEAD_LETTERS], partitions=2)
    client.produce(ANALYTICS_EVENTS, map(an_event, range(RECORDS)))
    return client


async def test_events_are_lines_and_what_is_none_is_a_dead_letter(own_broker, run, tmp_path):
    """A value that has no device id has no line."""
    client = KafkaClient(own_broker.address)
    client.create_topics([ANALYTICS_EVENTS, DEAD_LETTERS], partitions=1)
    client.produce(ANALYTICS_EVENTS, [an_event(0), b'{"device_id": 7}', an_event(2)])
    runner = await run(CsvSink(tmp_path, Rotation(1 << 20, DAY_MS)), address=client.address)
    await until(lambda: sum(partition.end for partition in runner.partitions.values()) == 3)
    assert numbers_in(tmp_path) == [0, 2]
    await until(lambda: client.read_topic(DEAD_LETTERS))
    [letter] = client.read_topic(DEAD_LETTERS)
    headers = dict(letter.headers)
    assert (headers["dataflow-stage"], headers["dataflow-offset"]) == (b"sink-csv", b"1")


async def test_workers_killed_again_and_again_write_every_event_once(events, tmp_path):
    """Kill -9 of real workers, two of them, between write, fsync and commit; counted over all files."""
    folder = tmp_path / "csv"
    environment = {
        "DATAFLOW_BROKER": events.address,
        "DATAFLOW_ROLE": "sink-csv",
        "DATAFLOW_CSV_DIR": str(folder),
        "DATAFLOW_CSV_ROTATE_BYTES": "100000",
        "DATAFLOW_SINK_BATCH_RECORDS": "300",
        "DATAFLOW_SESSION_TIMEOUT_MS": "1000",
    }
    workers = [Worker(tmp_path / name, free_port(), environment).start() for name in ("one", "two")]
    try:
        for kill in range(4):
            before = sum(file.stat().st_size for file in folder.glob("*.csv"))
            await until(lambda: sum(file.stat().st_size for file in folder.glob("*.csv")) > before, 60)  # noqa: B023
            await asyncio.sleep(random.uniform(0.0, 0.5))  # the moment is the test
            workers[kill % 2].kill()
            workers[kill % 2].start()
        await until(lambda: sum(1 for _ in read_lines(folder)) >= RECORDS, 300)
        assert [await asyncio.to_thread(worker.stop) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.clear_away()
    assert sorted(numbers_in(folder)) == list(range(RECORDS))


def read_lines(folder: Path) -> list[bytes]:
    """Return the ends of all events' lines, also while they are being written."""
    return [end for file in folder.glob("*.csv") for end in file.read_bytes().split(b"Z\r\n")[1:]]
