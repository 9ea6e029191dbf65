"""Local store: a worker that starts again reads its disk, then what came after."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.relay import Names, Relay, events, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port
from dataflow.engine.slices import SLICE_SECONDS

pytestmark = pytest.mark.long


def kept(disk: Path, old: Path, name: str) -> str:
    """Have the files as they were when the worker was killed."""
    shutil.rmtree(disk)
    shutil.copytree(old, disk)
    return "on_disk=1"


def lost(disk: Path, old: Path, name: str) -> str:
    """Have no files."""
    shutil.rmtree(disk)
    return "on_disk=0"


def of_another_worker(disk: Path, old: Path, name: str) -> str:
    """Have a file that another worker has written."""
    [file] = disk.glob("*.sqlite")
    file.rename(file.with_name(f"{name}.sqlite"))
    return "What is on disk of a partition cannot be used"


def unwritable(disk: Path, old: Path, name: str) -> str:
    """Have no folder, and no place for one."""
    shutil.rmtree(disk.parent)
    disk.parent.write_bytes(b"a file")
    return "Local store cannot be used"


async def count(worker: Relay, expected: int) -> dict[str, int]:
    """Wait until a worker has counted so many events; return its counts."""
    await until(lambda: worker.received == expected, f"{expected} events")
    return worker.counts()


@pytest.mark.parametrize("happens", [kept, lost, of_another_worker, unwritable])
async def test_a_worker_counts_exactly_whatever_became_of_its_disk(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, tmp_path: Path, caplog, happens
):
    """The changelog is the truth: it is read from where the disk ends, or from its beginning."""
    caplog.set_level("INFO", "dataflow.engine.restore")
    data, first, second = tmp_path / "data", free_port(), free_port()
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names, settings={"datadir": str(data), "web_port": first})
    async with running(worker):
        await count(worker, 100)
        await worker.app.engine.local.flush()
        shutil.copytree(data / "tables", tmp_path / "old")
        kafka.produce(names.source, events(range(100, 130)), partition=0)
        await count(worker, 130)
    port = second if happens is of_another_worker else first

    logged = happens(data / "tables", tmp_path / "old", f"{names.group}-127.0.0.1-{port}")
    kafka.produce(names.source, events(range(130, 140)), partition=0)
    caplog.clear()
    worker = relay(broker.address, names, settings={"datadir": str(data), "web_port": port})
    async with running(worker):
        assert await count(worker, 140) == {"a": 140}

    assert logged in caplog.text


async def test_a_worker_that_stops_amid_upkeep_ends_in_order(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its disk was closed while windows were being sealed from it: by chance a stop ended with 1."""
    reads: list[int] = []

    def upkeep() -> Iterator[None]:
        for _ in range(500):
            time.sleep(SLICE_SECONDS)
            reads.append(len(list(engine.local._disk.partitions())))
            yield

    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names, settings={"datadir": str(tmp_path / "data")})
    async with running(worker):
        await count(worker, 100)
        engine = worker.app.engine
        monkeypatch.setattr(engine.assignment, "upkeep", upkeep)
        await until(lambda: bool(reads), "upkeep")
    assert not worker.app.crashed
    assert not engine.lifecycle.has_failed
