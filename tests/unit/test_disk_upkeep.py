"""Disk upkeep: what cannot be used again goes, bit by bit; what is used, or may be, stays."""

import os
import time
from pathlib import Path

import pytest
from msgspec import msgpack

from dataflow.engine import disk_upkeep
from dataflow.engine.disk_records import DiskRecords
from dataflow.engine.disk_upkeep import RECORDS_AT_ONCE, UnusedPartitions, remove_abandoned
from dataflow.engine.stored_partition import REUSABLE_MS, Reflected
from dataflow.file_locks import try_lock
from dataflow.instants import now_ms
from dataflow.kafka.types import TopicPartition

RECORDS = 2 * RECORDS_AT_ONCE + 1
USED, OLD, YOUNG, NEVER_NOTED = (TopicPartition("changelog", number) for number in range(4))


@pytest.fixture
def disk(tmp_path: Path):
    """Return the records of a worker that had four partitions; of two nothing can be used again."""
    disk = DiskRecords(tmp_path / "worker.sqlite")
    ages = {USED: 2 * REUSABLE_MS, OLD: 2 * REUSABLE_MS, YOUNG: REUSABLE_MS // 2}
    for tp in (USED, OLD, YOUNG, NEVER_NOTED):
        number = disk.number_of(*tp)
        write(disk, tp, b"before")
        if tp in ages:
            disk.write_note(number, msgpack.encode(Reflected(["id"], 5, now_ms() - ages[tp])))
    yield disk
    disk.close()


@pytest.fixture
def unused(disk: DiskRecords, monkeypatch: pytest.MonkeyPatch) -> UnusedPartitions:
    """Return an upkeep that looks at once."""
    monkeypatch.setattr(disk_upkeep, "LOOK_SECONDS", 0.0)
    return UnusedPartitions(disk)


def write(disk: DiskRecords, tp: TopicPartition, name: bytes) -> None:
    """Write records of a partition."""
    disk.write(disk.number_of(*tp), [(name + b"|%d" % n, b"value") for n in range(RECORDS)])


def left(disk: DiskRecords) -> dict[TopicPartition, int]:
    """Return how many records each partition has."""
    return {tp: len(list(disk.items(disk.number_of(*tp)))) for tp in (USED, OLD, YOUNG, NEVER_NOTED)}


def test_records_of_partitions_that_others_have_had_for_long_are_deleted_bit_by_bit(
    disk: DiskRecords, unused: UnusedPartitions
):
    """Partitions wander among workers: in the end the disk of each would hold all of them."""
    unused.delete_some({USED})
    assert left(disk) == {USED: RECORDS, OLD: RECORDS - RECORDS_AT_ONCE, YOUNG: RECORDS, NEVER_NOTED: RECORDS}
    assert disk.note(disk.number_of(*OLD)) is None, "a part of the records would be taken for all"
    for _ in range(20):
        unused.delete_some({USED})
    assert left(disk) == {USED: RECORDS, OLD: 0, YOUNG: RECORDS, NEVER_NOTED: 0}
    assert disk.note(disk.number_of(*USED)) is not None


def test_a_partition_that_comes_back_meanwhile_keeps_what_it_writes(
    disk: DiskRecords, unused: UnusedPartitions, monkeypatch: pytest.MonkeyPatch
):
    """It was loaded anew: what is there from then on is its own."""
    unused.delete_some({USED})
    monkeypatch.setattr(disk_upkeep, "LOOK_SECONDS", 3_600.0)
    disk.clear(disk.number_of(*OLD))
    write(disk, OLD, b"after")
    for _ in range(20):
        unused.delete_some({USED, OLD})
    for _ in range(20):
        unused.delete_some({USED})
    assert left(disk)[OLD] == RECORDS


def test_nothing_is_deleted_in_the_first_hour(disk: DiskRecords):
    """A worker that has just started has none of its partitions yet."""
    unused = UnusedPartitions(disk)
    unused.delete_some(set())
    assert set(left(disk).values()) == {RECORDS}


def test_files_of_workers_that_had_other_addresses_go_when_they_are_too_old(tmp_path: Path):
    """A pod with a volume of its own, and another address after each restart."""
    long_ago = time.time() - 2 * REUSABLE_MS / 1000
    for name in ("own", "gone", "young", "running"):
        (tmp_path / f"{name}.sqlite").touch()
        if name != "young":
            os.utime(tmp_path / f"{name}.sqlite", (long_ago, long_ago))
    (tmp_path / "gone.sqlite-wal").touch()
    lock = try_lock(tmp_path / "running.lock")
    assert lock is not None
    remove_abandoned(tmp_path, tmp_path / "own.sqlite")
    os.close(lock)
    assert sorted(path.name for path in tmp_path.glob("*.sqlite*")) == [
        "own.sqlite",
        "running.sqlite",
        "young.sqlite",
    ]
    assert not (tmp_path / "gone.lock").exists()


def test_a_file_that_cannot_be_removed_is_left(tmp_path: Path):
    """Another worker removes it at the same moment, or another user has it; our own is opened."""
    (tmp_path / "gone.sqlite").symlink_to(tmp_path / "nothing")
    (tmp_path / "old.sqlite").touch()
    os.utime(tmp_path / "old.sqlite", (0, 0))
    remove_abandoned(tmp_path, tmp_path / "own.sqlite")
    assert not (tmp_path / "old.sqlite").exists()


def test_partitions_of_which_nothing_is_left_are_passed_one_at_a_time(disk: DiskRecords):
    """A worker that has had thousands would else hold the main loop for all of them, once an hour."""
    unused = UnusedPartitions(disk)
    unused._looked_at = -disk_upkeep.LOOK_SECONDS
    for tp in (OLD, NEVER_NOTED):
        disk.clear(disk.number_of(*tp))
    statements: list[str] = []
    disk._db.set_trace_callback(statements.append)
    unused.delete_some({USED})
    disk._db.set_trace_callback(None)
    assert len([statement for statement in statements if "DELETE" in statement]) == 1
