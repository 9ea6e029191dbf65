"""The changelog of earlier releases: read, gone on from, and written in the present format."""

import gzip
from base64 import b64decode
from pathlib import Path

import orjson
import pytest
from msgspec import msgpack
from table_parts import merge_entries, part_of
from table_rows import restored, rows_of

from dataflow.engine.state import PARTITION_KEY, PartitionState
from dataflow.engine.tables import (
    DAY,
    HOUR,
    MINUTE,
    OTHER,
    Distinct,
    Max,
    Min,
    Quantiles,
    Sum,
    TablePartition,
    TopK,
    WindowedTable,
)
from dataflow.errors import Misconfigured

RECORDED = orjson.loads(
    gzip.decompress((Path(__file__).parent.parent / "data/changelog_v0/recorded.json.gz").read_bytes())
)
"""What release 799a2ab wrote and answered, and rows that it counted after that."""

NAMES = ("page", "user", "bytes", "millis")
HOUR_MS = HOUR.size_ms

TABLES = {
    "live": WindowedTable(
        "live",
        key="page",
        windows=(MINUTE.kept_for(2 * HOUR_MS), HOUR.kept_for(30 * HOUR_MS), DAY.kept_for(90 * DAY.size_ms)),
        lateness_ms=HOUR_MS,
        users=Distinct("user"),
        bytes=Sum("bytes"),
        millis=Quantiles("millis"),
    ),
    "crowded": WindowedTable(
        "crowded",
        key="page",
        windows=(MINUTE, HOUR),
        lateness_ms=60_000,
        max_keys=3,
        users=Distinct("user"),
        least=Min("millis"),
        most=Max("millis"),
    ),
    "stays": WindowedTable("stays", key="page", windows=(DAY,), users=Distinct("user")),
    "sizes": WindowedTable("sizes", key="page", windows=(), bytes=Sum("bytes"), top=TopK("user", 3)),
}


def recorded_log(name):
    """Return the records of a table in the order in which they were written."""
    return [
        (b64decode(key), None if value is None else b64decode(value))
        for key, value in RECORDED[name]["entries"]
    ]


def answers(table_partition):
    """Return what a table partition answers, as it goes out over HTTP."""
    table = table_partition.table
    windows = {w.name: merge_entries(table, w, [part_of(table_partition, w)]) for w in table.every_window}
    return orjson.loads(orjson.dumps(windows))


def recorded_answers(name, at="answers"):
    """Return what the earlier release answered."""
    return {window: found for window, found in RECORDED[name][at].items() if window != "progress"}


def fold_more(table_partition):
    """Add the rows that came after the recording."""
    for batch in RECORDED["rows_after"]:
        table_partition.fold(rows_of(batch, *NAMES))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("is_compacted", [True, False])
def test_the_changelog_of_an_earlier_release_gives_its_answers(name, is_compacted):
    """An upgrade must not cost what has been counted."""
    log = recorded_log(name)
    table_partition = restored(TABLES[name], dict(log) if is_compacted else log)

    assert TABLES[name].declared == RECORDED[name]["declared"]
    assert answers(table_partition) == recorded_answers(name)


@pytest.mark.parametrize("name", ["live", "stays", "sizes"])
def test_rows_after_the_upgrade_are_counted_as_before(name):
    """In the middle of a minute, an hour and a day, which have all counted what came before."""
    log = recorded_log(name)
    table_partition = restored(TABLES[name], log)

    fold_more(table_partition)

    assert answers(table_partition) == recorded_answers(name, "answers_after")
    log += table_partition.snapshot()
    assert answers(restored(TABLES[name], dict(log))) == recorded_answers(name, "answers_after")


def test_full_windows_of_an_earlier_release_go_on_within_their_bound():
    """Which keys are kept apart may differ from then on, the sums do not."""
    table_partition = restored(TABLES["crowded"], recorded_log("crowded"))

    fold_more(table_partition)

    expected = recorded_answers("crowded", "answers_after")
    for name, windows in answers(table_partition).items():
        assert [sums_of(window) for window in windows] == [sums_of(window) for window in expected[name]]
    assert OTHER in {entry["key"] for entry in expected["hour"][0]["entries"]}


def sums_of(window):
    """Return what does not depend on which keys are kept apart."""
    return window["start"], window["closed"], sum(entry["count"] for entry in window["entries"])


def test_after_a_snapshot_the_changelog_is_of_the_present_format():
    """A release that does not know it refuses it by the key of its event-time state."""
    table_partition = restored(TABLES["live"], recorded_log("live"))
    fold_more(table_partition)

    records = dict(table_partition.snapshot())

    assert records[b"live|progress"] is None
    assert msgpack.decode(records[b"live|event_time"])[0] == 1
    assert b"live|progress" not in dict(table_partition.snapshot())


def test_the_changelog_of_a_later_release_is_refused():
    """What is not understood must not be counted on."""
    table_partition = TablePartition(TABLES["live"])

    with pytest.raises(Misconfigured, match="has format 2; expected at most 1"):
        table_partition.load(b"live|event_time", msgpack.encode([2, {"anything": "else"}]))


def test_the_numbers_of_a_partition_of_an_earlier_release_are_read():
    """Its position and its counted events are in the same changelog."""
    state = PartitionState.of([])

    state.load([(PARTITION_KEY, b64decode(RECORDED["partition"]["value"]))])

    assert b64decode(RECORDED["partition"]["key"]) == PARTITION_KEY
    assert (state.position, state.stream_time_ms) == (4_711, 1_700_000_000_000)
    assert (state.event_counts.received, state.event_counts.sent) == (9, 9)
