"""Full windows: what is counted apart, what goes under `(other)`, and how wrong a count may be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_parts import merge_entries, part_of
from table_rows import restored, rows_of, unhurried, write

from dataflow.engine.tables import ALL, OTHER, Distinct, TablePartition, WindowedTable

keys = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=300)


def table(max_keys):
    """Return a table of all time."""
    return WindowedTable("views", key="page", windows=(), max_keys=max_keys, users=Distinct("user"))


def folded(column, max_keys, batch=7):
    """Return a shard with these keys folded, batch by batch."""
    table_partition = TablePartition(table(max_keys))
    for start in range(0, len(column), batch):
        rows = [(0, key, n) for n, key in enumerate(column[start : start + batch], start)]
        table_partition.fold(rows_of(rows, "page", "user"))
    return table_partition


def entries(*table_partitions):
    """Return the merged entries by key."""
    windows = merge_entries(
        table_partitions[0].table,
        ALL,
        [part_of(table_partition, ALL) for table_partition in table_partitions],
    )
    return {entry["key"]: entry for window in windows for entry in window["entries"]}


class Kept:
    """The rule as it is written down: cut to the max_keys largest when one key too many comes."""

    def __init__(self, max_keys):
        self.max_keys, self.counts, self.hidden = max_keys, Counter(), {}
        self.other = self.floor = 0

    def add(self, key):
        """Count one row."""
        if key not in self.counts:
            if len(self.counts) == 2 * self.max_keys:
                self.evict()
            self.hidden[key] = self.floor
        self.counts[key] += 1

    def evict(self):
        """Cut down to the largest keys."""
        ranked = sorted(self.counts, key=lambda key: (-self.counts[key] - self.hidden[key], key))
        moved = ranked[self.max_keys :]
        self.floor = self.counts[moved[0]] + self.hidden[moved[0]]
        self.other += sum(self.counts.pop(key) for key in moved)


@unhurried
@given(keys, st.integers(1, 5), st.integers(1, 20))
def test_a_window_is_cut_to_its_largest_keys_by_the_written_rule(column, max_keys, batch):
    """Row after row, whatever the batches."""
    kept = Kept(max_keys)
    for key in column:
        kept.add(key)

    found = {key: entry["count"] for key, entry in entries(folded(column, max_keys, batch)).items()}

    assert found.pop(OTHER, 0) == kept.other
    assert found == dict(kept.counts)


@unhurried
@given(keys, st.integers(1, 5))
def test_nothing_is_lost_and_what_a_key_misses_is_bounded(column, max_keys):
    """The sum is exact; no key hides more than n / (max_keys + 1) rows."""
    truth, table_partition = Counter(column), folded(column, max_keys)
    found = entries(table_partition)
    bound = found.get(OTHER, {}).get("max_per_key", 0)

    assert sum(entry["count"] for entry in found.values()) == len(column)
    assert bound <= len(column) / (max_keys + 1)
    assert len(found) <= 2 * max_keys + 1
    for key, count in truth.items():
        assert 0 <= count - found.get(key, {"count": 0})["count"] <= bound


@unhurried
@given(keys, st.integers(1, 5))
def test_evicted_keys_are_deleted_from_the_changelog(column, max_keys):
    """They would come back after a takeover, and be counted twice with `(other)`."""
    table_partition, changelog = TablePartition(table(max_keys)), {}
    for n, key in enumerate(column):
        table_partition.fold(rows_of([(0, key, n)], "page", "user"))
        write(table_partition, changelog)

    assert entries(restored(table_partition.table, changelog)) == entries(table_partition)
    large = {key for key in changelog if key.startswith(b"views|all/users|")}  # sets, beside their entries
    assert {key.replace(b"all/users", b"all") for key in large} <= changelog.keys()
    assert len(changelog.keys() - large) <= 2 * max_keys + 2


def test_a_smaller_bound_takes_hold_after_a_restart():
    """The window is then fuller than it may be."""
    table_partition, changelog = folded(list("aaabbbcdefghij"), 10), {}
    write(table_partition, changelog)

    again = restored(table(2), changelog)
    again.fold(rows_of([(0, "k", 1)], "page", "user"))

    assert {key: entry["count"] for key, entry in entries(again).items()} == {
        "a": 3,
        "b": 3,
        "k": 1,
        OTHER: 8,
    }


def test_up_to_the_bound_every_key_is_exact():
    """Ten thousand endpoints are counted apart by default."""
    found = entries(folded([str(n) for n in range(20_000)], 10_000, batch=2_000))

    assert OTHER not in found
    assert len(found) == 20_000


def test_heavy_keys_stay_on_top_of_a_long_tail():
    """A crawler that asks for a million pages must not push the front page out."""
    column = [key for n in range(2_000) for key in (f"tail-{n}", "front", f"tail-{n + 10_000}", "cart")]
    found = entries(folded(column, 50, batch=500))

    assert found["front"]["count"] == found["cart"]["count"] == 2_000
    assert found[OTHER]["count"] + sum(e["count"] for k, e in found.items() if k != OTHER) == 8_000
    assert found[OTHER]["users"] == pytest.approx(found[OTHER]["count"], rel=0.05)


def test_the_rest_of_several_partitions_is_merged_and_last():
    """What may hide in each of them adds up."""
    one, other = (folded(list("aabbbcdefgh" * 3), 2) for _ in range(2))
    both = merge_entries(one.table, ALL, [part_of(one, ALL), part_of(other, ALL)])[0]["entries"]

    assert both[-1]["key"] == OTHER
    assert both[-1]["max_per_key"] == 2 * entries(one)[OTHER]["max_per_key"]
    assert sum(entry["count"] for entry in both) == 66
