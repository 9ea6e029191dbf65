"""Stored minutes: a worker that has counted seven minutes; five are on its disk, two came since."""

from pathlib import Path

from stored_state import StoredState
from table_rows import ColumnRows, counts_of, held, restored, rows_of

from dataflow.engine.tables import HOUR, MINUTE, Distinct, WindowedTable

MINUTE_MS = MINUTE.size_ms
TABLE = WindowedTable("paths", key="path", windows=(MINUTE, HOUR), users=Distinct("user"))


def minutes(first: int, end: int) -> ColumnRows:
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


def expected() -> dict[tuple[int, str], int]:
    """Return the counts of seven minutes."""
    return {(m * MINUTE_MS, f"/{n}"): 1 for m in range(7) for n in range(100)}


def assert_counted(worker: StoredState) -> None:
    """Compare with the counts of seven minutes, and with what the changelog alone gives."""
    assert counts_of(worker.counted, MINUTE) == expected()
    assert held(worker.counted) == held(restored(TABLE, worker.log))
