"""Local store: a restart reads what came after; whatever is wrong with the file costs only time."""

import asyncio
import logging
import os
import sqlite3
from pathlib import Path

import pytest
from stored_state import TP, StoredState
from table_rows import counts_of, held, restored, rows_of

from dataflow.engine import stored_partition
from dataflow.engine.local_store import LocalStore
from dataflow.engine.stored_partition import Changelog, DamagedStore
from dataflow.engine.tables import HOUR, MINUTE, Distinct, WindowedTable
from dataflow.instants import now_ms

MINUTE_MS = MINUTE.size_ms
TABLE = WindowedTable("paths", key="path", windows=(MINUTE, HOUR), users=Distinct("user"))


def minutes(first, end):
    """Return rows of these minutes, of which all but the last are sealed."""
    return rows_of(
        [(m * MINUTE_MS + n, f"/{n}", n) for m in range(first, end) for n in range(100)], "path", "user"
    )


async def started(folder: Path) -> StoredState:
    """Return a worker that has stored five minutes on its disk, and has committed two more since."""
    worker = StoredState(folder, TABLE)
    await worker.begin()
    for minute in range(5):
        worker.fold(minutes(minute, minute + 1))
        worker.commit()
    await worker.local.flush()
    for minute in range(5, 7):
        worker.fold(minutes(minute, minute + 1))
        worker.commit()
    return worker


def expected():
    """Return the counts of seven minutes."""
    return {(m * MINUTE_MS, f"/{n}"): 1 for m in range(7) for n in range(100)}


def assert_counted(worker: StoredState) -> None:
    """Compare with the counts of seven minutes, and with what the changelog alone gives."""
    assert counts_of(worker.counted, MINUTE) == expected()
    assert held(worker.counted) == held(restored(TABLE, worker.log))


async def test_a_killed_worker_reads_only_what_came_after(tmp_path):
    """The file has what was committed until it was written last."""
    worker = await started(tmp_path)

    await worker.kill()
    await worker.begin()

    assert 0 < len(worker.read) < len(worker.log) / 2
    assert_counted(worker)


async def test_a_worker_that_was_stopped_reads_nothing(tmp_path):
    """All is committed, and written."""
    worker = await started(tmp_path)

    await worker.end()
    await worker.begin()

    assert worker.read == []
    assert_counted(worker)


async def test_a_chunk_that_is_not_committed_is_not_on_disk(tmp_path):
    """The rows of a window that was sealed by a checkpoint that failed come again."""
    worker = await started(tmp_path)
    worker.fold(minutes(7, 12))
    worker.counted.snapshot()
    await worker.local.flush()

    await worker.kill()
    await worker.begin()

    assert counts_of(worker.counted, MINUTE) == expected() | {
        (m * MINUTE_MS, f"/{n}"): 1 for m in range(7, 12) for n in range(100)
    }


async def test_chunks_are_read_from_disk_and_not_kept_in_memory(tmp_path):
    """Windows that nobody reads cost only their index."""
    worker = await started(tmp_path)
    await worker.local.flush()
    assert worker.state.stored.size == 0

    await worker.end()
    await worker.begin()
    assert worker.state.stored.size == 0
    assert_counted(worker)


async def test_keys_that_are_not_ours_are_kept_like_any_other(tmp_path):
    """The changelog may hold garbage; the table that it concerns is suspended, the worker goes on."""
    worker = await started(tmp_path)
    for garbage in (b"", b"\xff\xff", b"|", b"a|b|\xff|c"):
        worker.state.keep([(garbage, b"kept"), (garbage + b"x", None)], None)
        await worker.local.flush()
        worker.state.keep([(garbage, None)], None)
        await worker.local.flush()
        with pytest.raises(KeyError):
            worker.state.stored.get(garbage)


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


@pytest.mark.parametrize(("hours", "reads_all"), [(11, False), (13, True)])
async def test_a_file_that_is_too_old_is_thrown_away(tmp_path, monkeypatch, hours, reads_all):
    """After a day a broker no longer tells what was deleted: it would stay for ever."""
    worker = await started(tmp_path)
    await worker.kill()
    now = now_ms()
    monkeypatch.setattr(stored_partition, "now_ms", lambda: now + hours * 3_600_000)

    await worker.begin()

    assert (worker.read == worker.log) is reads_all
    assert_counted(worker)


async def test_what_a_frozen_worker_writes_is_as_old_as_it_was(tmp_path, monkeypatch):
    """It wakes up after a day, and writes what was committed before: others have counted since."""
    worker = await started(tmp_path)
    other = StoredState(tmp_path / "other", TABLE, "other")
    other.log = list(worker.log)
    await other.begin()
    other.fold(minutes(7, 9))
    other.commit()
    now = now_ms()
    monkeypatch.setattr(stored_partition, "now_ms", lambda: now + 86_400_000)
    await worker.end()

    worker.log = other.log
    await worker.begin()

    assert worker.read == worker.log
    assert held(worker.counted) == held(other.counted)


async def test_an_old_file_is_used_where_nothing_came_after(tmp_path, monkeypatch):
    """A stream that rests over the weekend is there at once on Monday."""
    worker = await started(tmp_path)
    await worker.end()
    now = now_ms()
    monkeypatch.setattr(stored_partition, "now_ms", lambda: now + 3 * 86_400_000)

    await worker.begin()

    assert worker.read == []
    assert_counted(worker)


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


async def test_a_partition_that_comes_back_is_not_written_by_who_had_it_before(tmp_path):
    """What it had not written yet is older than what others have counted since."""
    worker = await started(tmp_path)
    before, read_first = worker.state, len(worker.log)
    other = StoredState(tmp_path / "other", TABLE, "other")
    other.log = worker.log
    await other.begin()
    other.fold(minutes(7, 9))
    other.commit()

    changelog = Changelog(worker.identity, 0, len(worker.log))
    worker.state = await worker.local.load(TP, changelog, [TABLE])
    came_after = worker.log[worker.state.stored.position :]
    worker.state.load(came_after)
    worker.state.keep(came_after, len(worker.log))
    await asyncio.gather(before.stored.flush(), worker.local.flush())
    await worker.end()
    await worker.begin()

    assert len(worker.log) > read_first
    assert worker.read == []
    assert held(worker.counted) == held(other.counted)


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
