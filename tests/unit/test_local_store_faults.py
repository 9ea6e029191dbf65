"""Local store: whatever is wrong with the file, or the disk, costs only time."""

import logging
import os
import sqlite3
from pathlib import Path

import pytest
from stored_minutes import TABLE, assert_counted, expected, minutes, started
from stored_state import TP, StoredState
from table_rows import counts_of, held, restored

from dataflow.engine.local_store import LocalStore
from dataflow.engine.stored_partition import Changelog, DamagedStore
from dataflow.engine.tables import MINUTE


def cut(worker):
    """Lose the end of the file."""
    os.truncate(worker.file, worker.file.stat().st_size // 2 // 4096 * 4096)


def overwritten(worker):
    """Have other bytes in the place of a value, of the same length."""
    [blob] = [value for key, value in worker.log if key.startswith(b"paths|minute:sealed|60000|")]
    raw = worker.file.read_bytes()
    assert blob in raw
    worker.file.write_bytes(raw.replace(blob, bytes(len(blob))))


def no_database(worker):
    """Have something else in the place of the file."""
    worker.file.write_bytes(b"something else\n" * 1_000)


def of_another_topic(worker):
    """Have the changelog deleted and made anew."""
    worker.identity = ["another topic's id", TABLE.declared]


def ahead(worker):
    """Have a changelog that ends before what the file has counted."""
    del worker.log[1:]


def deleted_below(worker):
    """Have a changelog whose first records are gone."""
    worker.start = len(worker.log)


def without_ids(worker):
    """Have a broker that has no topic ids."""
    worker.identity = None


@pytest.mark.parametrize(
    "damage",
    [cut, overwritten, no_database, of_another_topic, ahead, deleted_below, without_ids],
)
async def test_a_file_that_cannot_be_used_is_thrown_away_with_a_warning(tmp_path, damage, caplog):
    """Then the changelog is read from its beginning, and the next start reads the file again."""
    worker = await started(tmp_path)
    await worker.kill()
    settle(worker.file)
    damage(worker)

    with caplog.at_level(logging.WARNING):
        await worker.begin()

    assert worker.read == worker.log
    assert held(worker.counted) == held(restored(TABLE, worker.log))
    assert len(caplog.records) == 1, caplog.text
    await worker.end()
    await worker.begin()
    assert worker.read == ([] if worker.identity else worker.log)
    assert held(worker.counted) == held(restored(TABLE, worker.log))


async def test_a_lost_disk_costs_only_time(tmp_path, caplog):
    """It is as with the first start: nothing to warn of."""
    worker = await started(tmp_path)

    await worker.kill(keep_disk=False)
    await worker.begin()

    assert worker.read == worker.log
    assert_counted(worker)
    assert not caplog.records


async def test_a_file_that_is_damaged_while_it_is_used_is_removed(tmp_path):
    """The worker stops, and its next start reads the changelog; it must not stop for ever."""
    worker = await started(tmp_path)
    await worker.end()
    await worker.begin()
    settle(worker.file)
    overwritten(worker)
    worker.local._disk._db.execute("PRAGMA shrink_memory")  # a larger file is not in its cache

    with pytest.raises(DamagedStore, match="restart"):
        counts_of(worker.counted, MINUTE)

    assert not worker.file.exists()
    worker.local = LocalStore()
    await worker.kill()
    await worker.begin()
    assert_counted(worker)


async def test_a_full_disk_costs_only_time(tmp_path, caplog):
    """Chunks stay in memory until there is room again; a restart reads what came after it was full."""
    worker = await started(tmp_path)
    db = worker.local._disk._db
    [(pages,)] = db.execute("PRAGMA page_count")
    db.execute(f"PRAGMA max_page_count = {pages}")
    worker.fold(minutes(7, 50))
    worker.commit()

    await worker.local.flush()
    assert "disk is full" in caplog.text
    assert held(worker.counted) == held(restored(TABLE, worker.log))
    db.execute(f"PRAGMA max_page_count = {100 * pages}")
    await worker.local.flush()
    assert worker.state.stored.size == 0
    assert held(worker.counted) == held(restored(TABLE, worker.log))
    await worker.end()
    await worker.begin()
    assert 0 < len(worker.read) < len(worker.log)
    assert held(worker.counted) == held(restored(TABLE, worker.log))


async def test_a_disk_that_is_full_from_the_start_costs_only_time(tmp_path, caplog):
    """No room for a partition's first row ended the worker with a traceback, at each start."""
    worker = StoredState(tmp_path, TABLE)
    local = LocalStore()
    local.open(worker.disk, worker.worker)
    local._disk._db.execute("PRAGMA query_only = 1")
    state = await local.load(TP, Changelog(["the topic's id"], 0, 0), [TABLE])
    assert state.stored is None
    assert state.table_partitions.keys() == {TABLE.name}
    [warning] = caplog.records
    assert "cannot be used; reading its whole changelog" in warning.getMessage()
    await local.close()


@pytest.mark.parametrize("reason", ["no folder can be made", "another process has it"])
async def test_without_a_disk_tables_stay_in_memory(tmp_path, caplog, reason):
    """A container may have no folder to write to, and a mistaken second start must not spoil the first."""
    worker = StoredState(tmp_path, TABLE)
    if reason == "no folder can be made":
        worker.disk.write_bytes(b"a file")
    else:
        first = LocalStore()
        first.open(worker.disk, worker.worker)

    await worker.begin()
    worker.fold(minutes(0, 7))
    worker.commit()
    await worker.local.flush()

    assert worker.state.stored is None
    assert counts_of(worker.counted, MINUTE) == expected()
    [warning] = caplog.records
    assert "stay in memory" in warning.getMessage()


def settle(file: Path) -> None:
    """Move what SQLite has in its journal to its place in the file."""
    db = sqlite3.connect(file)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
