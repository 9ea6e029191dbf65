"""State memory: whatever keys come, tables stay within their bound, and nothing is counted wrongly for it."""

import random
import tracemalloc

import pytest
from table_parts import merge_entries, part_of
from table_rows import held, restored, rows_of, write

from dataflow.engine import state_memory
from dataflow.engine.local_store import LocalStore
from dataflow.engine.state import PartitionState
from dataflow.engine.state_memory import StateMemory
from dataflow.engine.tables import HOUR, MINUTE, OTHER, Distinct, WindowedTable, window_store
from dataflow.engine.tables.entry_size import entry_bytes

MINUTE_MS = MINUTE.size_ms
MAX_BYTES = 4 << 20
TABLE = WindowedTable(
    "paths",
    key="path",
    windows=(MINUTE, HOUR),
    lateness_ms=HOUR.size_ms,
    max_keys=1_000_000,
    users=Distinct("user"),
)


class Scanned:
    """Counts pages that many ask for, and paths that nobody asks for twice."""

    def __init__(self, max_bytes: int) -> None:
        self.local = LocalStore()
        self.state = PartitionState.of([TABLE], cache=self.local.cache)
        self.memory = StateMemory(max_bytes, self.local)
        self.counted = self.state.table_partitions["paths"]
        self.changelog: dict[bytes, bytes] = {}
        self.dice = random.Random(1)

    def second(self, number: int, paths: int) -> None:
        """Count a second of requests, and write a checkpoint."""
        rows = [(number * 1_000, f"/page/{page}", page) for page in range(50)]
        rows += [(number * 1_000, f"/{self.dice.randbytes(8).hex()}", 1) for _ in range(paths)]
        self.counted.fold(rows_of(rows, "path", "user"))
        self.memory.check([self.state])
        write(self.counted, self.changelog)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Check with every checkpoint, as if a second went by."""
    monkeypatch.setattr(state_memory, "CHECK_SECONDS", 0)
    monkeypatch.setattr(state_memory, "CHECK_SHARE", 1e9)


def counts(counted, window):
    """Return rows by key, over all windows of a size."""
    answer = part_of(counted, window)
    [merged] = merge_entries(TABLE, window, [answer], merge_windows=True)
    return {entry["key"]: entry for entry in merged["entries"]}


def test_a_scanner_cannot_fill_the_memory():
    """A table may allow a million keys: those that came once become `(other)`, and pages stay exact."""
    scanned = Scanned(MAX_BYTES)
    sizes = []
    for number in range(50):
        scanned.second(number, 1_000)
        sizes.append(scanned.memory.size)

    found = counts(scanned.counted, MINUTE)
    assert max(sizes) < 1.5 * MAX_BYTES
    assert scanned.memory.evicted_keys["paths"] > 10_000
    assert {key: found[key]["count"] for key in found if key.startswith("/page/")} == {
        f"/page/{page}": 50 for page in range(50)
    }
    assert sum(entry["count"] for entry in found.values()) == 50 * 1_050
    assert 1 <= found[OTHER]["max_per_key"] <= 50 * 1_050 / 9_000  # half of the keys are kept each time


def test_what_has_become_other_is_in_the_changelog():
    """A restart counts the same keys apart as the worker before; nothing is decided anew."""
    scanned = Scanned(MAX_BYTES // 2)
    for number in range(0, 140, 2):
        scanned.second(number, 400)

    assert scanned.memory.evicted_keys["paths"] > 0
    assert held(restored(TABLE, scanned.changelog)) == held(scanned.counted)


def test_with_enough_memory_every_key_is_counted_apart():
    """The bound is no limit of keys."""
    scanned = Scanned(1 << 30)
    for number in range(20):
        scanned.second(number, 1_000)

    assert not scanned.memory.evicted_keys
    assert len(counts(scanned.counted, MINUTE)) == 20_050


def test_windows_of_few_keys_stay_exact():
    """The key of a window with a hundred of them is nobody's fault; there is nothing to be gained."""
    scanned = Scanned(1)
    for number in range(10):
        scanned.second(number, 0)

    assert not scanned.memory.evicted_keys
    assert len(counts(scanned.counted, MINUTE)) == 50


def test_the_cache_is_forgotten_before_any_key():
    """What can be read again costs only time."""
    scanned = Scanned(MAX_BYTES)
    for number in (0, 1, 200, 201):
        scanned.second(number, 1_000)
    counts(scanned.counted, MINUTE)
    cached = scanned.local.cache.weight
    scanned.memory = StateMemory(1, scanned.local)

    scanned.memory.check([scanned.state])

    assert cached > 100_000
    assert scanned.local.cache.weight == 0
    assert not scanned.memory.evicted_keys


def test_the_estimate_is_about_what_python_takes():
    """It decides what is evicted."""
    tracemalloc.start()
    try:
        scanned = Scanned(1 << 40)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(10):
            scanned.second(number, 1_000)
            scanned.changelog.clear()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    scanned.memory.check([scanned.state])
    assert taken / 1.6 < scanned.memory.size < taken * 1.6


def test_a_key_of_a_large_window_that_came_once_takes_little_beside_itself(monkeypatch):
    """A million of them in an open window must fit, beside the first ten thousand."""
    monkeypatch.setattr(window_store, "LARGE_WINDOW", 2_000)
    keys = 20_000
    declared = WindowedTable("paths", key="path", windows=(HOUR,), max_keys=1_000_000)
    state = PartitionState.of([declared])
    counted = state.table_partitions["paths"]
    tracemalloc.start()
    try:
        for first in range(0, keys + 2_000, 2_000):
            counted.fold(
                rows_of([(first, f"/{number:09}") for number in range(first, first + 2_000)], "path")
            )
            counted.snapshot()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    entries = counted.levels.stores[0].get(0).entries
    assert [len(entry) for entry in entries.values() if isinstance(entry, bytes)][:keys] == [3] * keys
    assert taken / len(entries) - 59 - 36 < 100, "bytes a key beside its 59 and the 36 of its aggregates"
    assert entry_bytes(b"123") < 250
