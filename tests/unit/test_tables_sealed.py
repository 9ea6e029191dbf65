"""Sealed windows: many chunks, late rows beside them, and what is deleted when they change."""

import pytest
from table_parts import part_of
from table_rows import counts_of, held, restored, rows_of

from dataflow.engine.tables import ALL, HOUR, OTHER, Distinct, Quantiles, TablePartition, WindowedTable
from dataflow.engine.tables.blob_store import MemoryBlobs
from dataflow.engine.tables.chunks import Chunks

HOUR_MS = HOUR.size_ms
KEYS = 6_000
TABLE = WindowedTable("paths", key="path", windows=(HOUR,), users=Distinct("user"), millis=Quantiles("user"))


def path(number):
    """Return a key."""
    return f"/{number:06}"


def sealed_hour(table=TABLE, keys=KEYS):
    """Return a table partition with a sealed hour, and its changelog as it was written."""
    table_partition, log = TablePartition(table), []
    table_partition.fold(rows_of([(n % HOUR_MS, path(n), n) for n in range(keys)], "path", "user"))
    log += table_partition.snapshot()
    table_partition.fold(rows_of([(3 * HOUR_MS, "/later", 1)], "path", "user"))
    log += table_partition.snapshot()
    return table_partition, log


def live(log):
    """Return the records that compaction leaves."""
    return {key: value for key, value in dict(log).items() if value is not None}


def chunk_keys(log, window="hour"):
    """Return the keys of the chunks of the first window that compaction leaves."""
    return [key for key in live(log) if key.startswith(f"paths|{window}:sealed|0|".encode())]


def test_a_large_window_is_sealed_in_several_chunks():
    """A broker takes no record of any size, and a late row must not have all of a window unpacked."""
    table_partition, log = sealed_hour()

    assert len(chunk_keys(log)) > 2
    assert max(len(value) for key, value in live(log).items() if b":sealed" in key) < 256 << 10
    assert not [key for key in live(log) if key.startswith(b"paths|hour|0|")]
    assert counts_of(table_partition, HOUR) == {(0, path(n)): 1 for n in range(KEYS)} | {
        (3 * HOUR_MS, "/later"): 1
    }
    assert held(restored(TABLE, log)) == held(restored(TABLE, live(log))) == held(table_partition)


@pytest.mark.parametrize("number", [0, 1, KEYS // 2, KEYS - 1])
def test_every_key_is_found_in_its_chunk(number):
    """The first and the last of a chunk, too."""
    table_partition, _ = sealed_hour()

    [(start, key, packed)] = part_of(table_partition, HOUR, 0, HOUR_MS, path(number)).entries

    assert (start, key, packed[1]) == (0, path(number), 1)
    assert part_of(table_partition, HOUR, 0, HOUR_MS, "/nobody").entries == []
    assert part_of(table_partition, HOUR, 0, HOUR_MS, "~ behind all").entries == []


def test_late_rows_are_sealed_into_the_chunks_once_they_are_many():
    """Few of them are kept beside the chunks; then all are one again, and no record of them is left."""
    table_partition, log = sealed_hour()
    late = [(5, path(n), n + 1) for n in range(0, KEYS, 2)]
    table_partition.fold(rows_of(late[:10], "path", "user"))
    log += table_partition.snapshot()
    table_partition.fold(rows_of([(3 * HOUR_MS + 120_000, "/later", 1)], "path", "user"))
    log += table_partition.snapshot()
    assert len([key for key in live(log) if key.startswith(b"paths|hour|0|")]) == 10

    table_partition.fold(rows_of(late[10:], "path", "user"))
    log += table_partition.snapshot()
    table_partition.fold(rows_of([(3 * HOUR_MS + 240_000, "/later", 1)], "path", "user"))
    log += table_partition.snapshot()

    assert not [key for key in live(log) if key.startswith(b"paths|hour|0|")]
    expected = {(0, path(n)): 2 if n % 2 == 0 else 1 for n in range(KEYS)}
    found = counts_of(table_partition, HOUR)
    assert {entry: count for entry, count in found.items() if entry[0] == 0} == expected
    assert held(restored(TABLE, live(log))) == held(table_partition)


def test_chunks_that_a_smaller_window_no_longer_has_are_deleted():
    """They would come back after a takeover: with `(other)`, and so twice."""
    full = WindowedTable("paths", key="path", windows=(HOUR,), max_keys=KEYS // 2, users=Distinct("user"))
    table_partition, log = sealed_hour(full)
    chunks = chunk_keys(log)

    table_partition.fold(rows_of([(5, "/one more", 1)], "path", "user"))
    log += table_partition.snapshot()

    assert len(chunk_keys(log)) < len(chunks)
    hour = {key: count for (start, key), count in counts_of(table_partition, HOUR).items() if start == 0}
    assert (len(hour), sum(hour.values()), hour[OTHER]) == (KEYS // 2 + 2, KEYS + 1, KEYS // 2)
    assert held(restored(full, live(log))) == held(table_partition)


def test_a_dropped_window_leaves_no_chunk_behind():
    """Neither in the changelog nor where chunks are kept."""
    blobs = MemoryBlobs()
    table = WindowedTable(
        "paths", key="path", windows=(HOUR.kept_for(HOUR_MS),), all_time=False, lateness_ms=0
    )
    table_partition, log = TablePartition(table, Chunks(blobs)), []
    for hour in (0, 1.5, 4):
        table_partition.fold(rows_of([(int(hour * HOUR_MS), "/", 1)], "path", "user"))
        log += table_partition.snapshot()

    assert b"paths|hour:sealed|0|0" in dict(log)
    assert live(log).keys() == {b"paths|hour|14400000|/", b"paths|event_time"}
    with pytest.raises(KeyError):
        blobs.get(b"paths|hour:sealed|0|0")


def test_all_time_is_sealed_whenever_it_takes_windows_over():
    """It is never quiet, and it is the largest."""
    _, log = sealed_hour()

    assert len(chunk_keys(log, "all")) > 2
    assert ALL.name not in {key.decode().split("|")[1] for key in live(log)}
