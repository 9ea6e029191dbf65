"""The examples run as their docstrings say, on a real broker."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest
from chaos.waiting import wait_until
from chaos.worker import Worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.child_process import start_child
from dataflow.demo.broker.ports import free_port

ROOT = Path(__file__).parents[2]

READINGS = [
    b'{"device":"d1","millicelsius":20000,"at":"2026-01-31T12:00:00Z"}',
    b'{"device":"d1","millicelsius":22000,"at":"2026-01-31T12:00:59Z"}',
    b'{"device":"d2","millicelsius":-40000,"at":"2026-01-31T12:01:00Z"}',
    b'{"device":"d2","millicelsius":"warm","at":"2026-01-31T12:01:00Z"}',
]
DEVICES = {"d1": {"readings": 2, "mean_celsius": 21.0}, "d2": {"readings": 1, "mean_celsius": -40.0}}
ORDERS = [b'{"number":"1","total":1000}', b'{"number":"2","total":5}']
REFUNDS = [
    b'{"order":"1","reason":"broken"}',
    b'{"order":"2","reason":"late"}',
    b'{"order":"3","reason":"late"}',
]


@contextmanager
def running_example(name: str, broker: str, folder: Path) -> Iterator[Worker]:
    """Run an example as its users do; give it once it answers."""
    worker = Worker(folder / name, free_port(), {"DATAFLOW_BROKER": broker}, app=f"examples.{name}").start()
    try:
        yield worker
        assert worker.stop() == 0, worker.tail()
    finally:
        worker.clear_away()


def answer(worker: Worker, path: str) -> object:
    """Return what the example answers, None as long as it does not."""
    assert worker.process.poll() is None, worker.tail()
    status, content = worker.ask(path)
    return content if status == 200 else None


@pytest.mark.timeout(240)
def test_readings_are_converted_and_counted(own_broker: EmbeddedBroker, tmp_path: Path):
    """An app of one file has windows, dead letters and answers for the whole cluster."""
    with running_example("readings", own_broker.address, tmp_path) as worker:
        wait_until(lambda: answer(worker, "/devices/") is not None, 90, worker.tail)
        kafka = KafkaClient(own_broker.address)
        kafka.produce("readings", READINGS, partition=1)
        expected = {"devices": DEVICES, "missing_partitions": []}
        wait_until(lambda: answer(worker, "/devices/") == expected, 60, worker.tail)
        # An answer has what is counted, the topic what is committed: that is a checkpoint later.
        converted = wait_until(lambda: kafka.read_topic("readings-converted"), 60, worker.tail)
        assert [orjson.loads(read.value)["fahrenheit"] for read in converted] == [68.0, 71.6, -40.0]
        assert [read.value for read in kafka.read_topic("dead-letters")] == READINGS[3:]


@pytest.mark.timeout(300)
def test_a_faust_agent_works_beside_a_batch_agent_and_a_sink_stores_the_output(
    own_broker: EmbeddedBroker, tmp_path: Path
):
    """Whoever comes from Faust keeps agents and tables; a sink is a class with one method."""
    with running_example("refunds", own_broker.address, tmp_path) as worker:
        wait_until(lambda: answer(worker, "/refunds/") is not None, 90, worker.tail)
        kafka = KafkaClient(own_broker.address)
        kafka.produce("orders", ORDERS, partition=1)
        kafka.produce("refunds", REFUNDS, partition=2)
        wait_until(lambda: answer(worker, "/refunds/") == {"broken": 1, "late": 2}, 60, worker.tail)
        wait_until(lambda: len(kafka.read_topic("orders-marked")) == len(ORDERS), 60, worker.tail)
    marked = [read.value for read in kafka.read_topic("orders-marked")]
    assert [orjson.loads(value)["is_large"] for value in marked] == [True, False]
    with running_sink(own_broker.address, tmp_path / "orders.db") as log:
        wait_until(lambda: stored(tmp_path / "orders.db") == marked, 60, log)


@contextmanager
def running_sink(broker: str, file: Path) -> Iterator[Callable[[], str]]:
    """Run the sink; give what returns its log."""
    log = file.with_suffix(".log")
    command = [sys.executable, "-m", "examples.sqlite_sink", "orders-marked", str(file)]
    with log.open("wb") as output:
        process = start_child(
            command, env={"DATAFLOW_BROKER": broker}, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log.read_text
        process.terminate()
        process.wait(60)
    finally:
        process.kill()


def stored(file: Path) -> list[bytes]:
    """Return the values in the database, in the order of their offsets."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT value FROM records ORDER BY partition, record_offset")
            return [value.encode() for (value,) in rows]
    except sqlite3.OperationalError:  # it is not there yet
        return []
