"""The state of a partition: what of its changelog cannot be used concerns that table alone."""

import pytest
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from msgspec import msgpack
from table_parts import part_of
from table_rows import counts_of, rows_of

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.state import PARTITION_KEY, PartitionState, TableSuspended
from dataflow.engine.tables import DAY, WindowedTable
from dataflow.engine.tables.changelog import ChangelogRecord, NewerFormat
from dataflow.engine.topic_identity import check_changelog, check_source

PER_KIND = WindowedTable("per_kind", key="kind", windows=(DAY,))
PER_USER = WindowedTable("per_user", key="user", windows=(DAY,))
LOG = "changelog app-events-changelog/3"
NOW = 1_700_000_000_000
POSITION = 40


def a_changelog(*tables: WindowedTable) -> dict[bytes, bytes | None]:
    """Return the records of a partition of which three rows are counted."""
    state = PartitionState.of(tables)
    state.event_counts = EventCounts(3, 3)
    changelog: dict[bytes, bytes | None] = {PARTITION_KEY: state.encode_numbers(POSITION)}
    for table_partition in state.table_partitions.values():
        table_partition.fold(rows_of([(n, "a", "u") for n in range(3)], "kind", "user"))
        changelog |= dict(table_partition.snapshot())
    return changelog


def loaded(
    *records: ChangelogRecord, tables: tuple[WindowedTable, ...] = (PER_KIND, PER_USER), start: int = 0
) -> PartitionState:
    """Return the state that is restored from these records, which are at offsets from 0 on.

    Or from `start` on, those before having been deleted.
    """
    state = PartitionState.of(tables)
    state.load(records)
    state.note_offsets([DefaultRecord(n, NOW, 0, key, value, []) for n, (key, value) in enumerate(records)])
    state.check_loaded(LOG, start, NOW)
    return state


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"per_kind|day|0|a", b"garbage"),
        (b"per_kind|day|0|a", b""),
        (b"per_kind|day|0|a", msgpack.encode([0, 3])[:-1]),
        (b"per_kind|day|0|a", msgpack.encode({"count": 3})),
        (b"per_kind|day|0|a", msgpack.encode([0, 3, 4])),
        (b"per_kind|day|0", msgpack.encode([0, 3])),
        (b"per_kind|", msgpack.encode([0, 3])),
        (b"per_kind|day|noon|a", msgpack.encode([0, 3])),
        (b"per_kind|day|0|\xff", msgpack.encode([0, 3])),
        (b"per_kind|week|0|a", msgpack.encode([0, 3])),
        (b"per_kind|day:sealed|0|0", b"garbage"),
        (b"per_kind|day:sealed|0|x", b"garbage"),
        (b"per_kind|event_time", b"garbage"),
        (b"per_kind|event_time", msgpack.encode([1, ["declared otherwise", {}]])),
    ],
)
def test_a_record_that_cannot_be_used_suspends_its_table_and_no_other(key: bytes, value: bytes):
    """It was a 500, an exit at every start, or the end of the worker at the next event."""
    before = list(a_changelog(PER_KIND, PER_USER).items())
    state = loaded(*before, (key, value))
    with pytest.raises(TableSuspended) as raised:
        state.table_partition("per_kind")
    assert str(raised.value).startswith(
        f"{LOG} holds what cannot be used: offset {len(before)}, key {key!r}, "
    )
    assert counts_of(state.table_partition("per_user"), DAY) == {(0, "u"): 3}
    assert (state.position, state.event_counts.received) == (POSITION, 3)


@pytest.mark.parametrize(
    "value", [b"garbage", msgpack.encode([1, 2]), msgpack.encode({}), msgpack.encode([1, 2, {"other": 5}])]
)
def test_numbers_that_cannot_be_used_suspend_all_tables(value: bytes):
    """Up to where they have counted is not known."""
    state = loaded(*a_changelog(PER_KIND, PER_USER).items(), (PARTITION_KEY, value))
    assert state.position is None
    assert state.suspended.keys() == {"per_kind", "per_user"}
    assert state.event_counts == EventCounts()


def test_a_later_record_of_its_key_mends_a_fault():
    """So does a tombstone: that is how a table that is counted anew gets rid of it."""
    bad = {b"per_kind|day|0|a": b"garbage", b"per_kind|week|0|a": b"garbage"}
    mended = [*bad.items(), (b"per_kind|week|0|a", None), *a_changelog(PER_KIND, PER_USER).items()]
    assert loaded(*mended).suspended == {}


def test_a_suspended_table_stays_so_over_restarts():
    """Its records no longer say what the offset says: events went by."""
    faulty = loaded(*a_changelog(PER_KIND, PER_USER).items(), (b"per_kind|day|0|a", b""))
    numbers = faulty.encode_numbers(POSITION + 9)
    state = loaded(*a_changelog(PER_KIND, PER_USER).items(), (PARTITION_KEY, numbers))
    assert state.suspended == faulty.suspended
    assert state.table_partitions.keys() == {"per_user"}


def test_a_new_table_says_from_when_it_counts():
    """What was counted before it was declared is not in it."""
    state = loaded(*a_changelog(PER_KIND).items())
    assert state.table_partition("per_kind").since_ms is None
    assert state.table_partition("per_user").since_ms == NOW
    assert part_of(state.table_partition("per_user"), DAY).marks.since_ms == NOW
    again = PartitionState.of([PER_KIND, PER_USER])
    again.load([(PARTITION_KEY, state.encode_numbers(POSITION))])
    again.check_loaded(LOG, 0, NOW + 5)
    assert again.table_partition("per_user").since_ms == NOW


def test_a_table_that_was_not_declared_for_a_while_is_suspended():
    """A release without it went on counting the others: it lacks what came meanwhile."""
    numbers = loaded(*a_changelog(PER_KIND, PER_USER).items(), tables=(PER_KIND,)).encode_numbers(
        POSITION + 9
    )
    state = loaded(*a_changelog(PER_KIND, PER_USER).items(), (PARTITION_KEY, numbers))
    assert state.suspended["per_user"].reason == (
        f"{LOG} was written for a while by a release without per_user. "
        "`dataflow tables rebuild per_user` rebuilds it"
    )


def test_the_changelog_of_a_newer_release_is_refused_as_a_whole():
    """To count on without what one does not understand would spoil it for that release, too."""
    newer = msgpack.encode([POSITION, 0, {}, 2, "something", "else"])
    with pytest.raises(NewerFormat, match="has format 2; expected at most 1"):
        loaded((PARTITION_KEY, newer))


def test_a_changelog_whose_first_records_were_deleted_suspends_its_tables_once():
    """What is left of it looked like all: counts were too low, or the worker ended, at each start."""
    lost = loaded(*a_changelog(PER_KIND).items(), tables=(PER_KIND,), start=9)
    assert lost.suspended["per_kind"].reason.startswith(f"{LOG} begins at offset 9; expected 0: records were")
    lost.suspended.clear()  # it is rebuilt
    again = loaded((PARTITION_KEY, lost.encode_numbers(POSITION)), tables=(PER_KIND,), start=9)
    assert not again.suspended


@pytest.mark.parametrize(
    ("before", "now", "is_other"), [("a", "b", True), ("a", "a", False), ("", "b", False), ("a", "", False)]
)
def test_ids_tell_whether_a_topic_is_the_one_that_was_counted(before: str, now: str, is_other: bool):
    """A name is given again; brokers before 2.8 have no ids, and releases before this one noted none."""
    state = loaded(*a_changelog(PER_KIND).items(), tables=(PER_KIND,))
    state.topic_id = state.changelog_id = before
    kept = loaded((PARTITION_KEY, state.encode_numbers(POSITION)), tables=(PER_KIND,))
    pauses, ids = StreamPauses(), {"events": now, "log": now} if now else {}
    assert check_source(TopicPartition("events", 3), kept, ids, pauses) is not is_other
    check_changelog(kept, "log", ids)
    assert (pauses.get("events") is not None) == is_other
    assert ("per_kind" in kept.suspended) == is_other
    assert (kept.topic_id, kept.changelog_id) == (now or before, now or before)


def test_records_of_others_are_passed_over_whatever_their_keys():
    """A changelog may hold tables of a release before, and what somebody else has written into it."""
    state = PartitionState.of([])
    state.load(
        [(b"gone|hour|0|key", b"\x92\x00\x01"), (b"\xff|hour|0|key", b"x"), (b"\xff", b"x"), (b"", b"x")]
    )
    state.check_loaded("changelog c/0", 0, NOW)
    assert (state.faults, state.suspended) == ({}, {})
