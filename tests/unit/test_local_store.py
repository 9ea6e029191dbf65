"""Local store: a restart reads from the changelog only what came after what is on disk."""

import asyncio

import pytest
from stored_minutes import MINUTE_MS, TABLE, assert_counted, expected, minutes, started
from stored_state import TP, StoredState
from table_rows import counts_of, held

from dataflow.engine import stored_partition
from dataflow.engine.stored_partition import Changelog
from dataflow.engine.tables import MINUTE
from dataflow.instants import now_ms


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
