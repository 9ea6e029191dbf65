"""Cursor: the record batches of one fetch response in, parts of a set size out."""

import struct
from collections.abc import Sequence

import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, Errors
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from dataflow.kafka.checksums import ChecksummedRecords
from dataflow.kafka.fetch import Cursor, Fetched

TP = TopicPartition("source", 0)
NOW = 1_700_000_000_000
ATTRIBUTES, LAST_DELTA, PRODUCER = 21, 23, 43  # where they stand in a record batch
TRANSACTIONAL, CONTROL = 0x10, 0x20
ZSTD = 4


def a_batch(
    first: int,
    deltas: Sequence[int],
    *,
    last: int | None = None,
    producer: int = -1,
    control: bool = False,
    compression: int = 0,
    values: bytes = b"v",
    key: bytes | None = None,
) -> bytes:
    """Return a record batch at offset `first`, with records at `first` + `deltas`."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, 0, 1 << 30)
    for delta in deltas:
        assert builder.append(delta, NOW + delta, key, values + str(first + delta).encode(), [])
    raw = builder.build()
    struct.pack_into(">q", raw, 0, first)
    if last is not None:
        struct.pack_into(">i", raw, LAST_DELTA, last)
    if producer >= 0:
        struct.pack_into(">q", raw, PRODUCER, producer)
        raw[ATTRIBUTES + 1] |= TRANSACTIONAL | (CONTROL if control else 0)
    return bytes(raw)


def a_marker(offset: int, producer: int, *, commits: bool) -> bytes:
    """Return the control record that ends a transaction."""
    return a_batch(offset, [0], producer=producer, control=True, key=struct.pack(">hh", 0, int(commits)))


def cursor_over(
    *batches: bytes,
    fetched_from: int = 0,
    aborted: Sequence[tuple[int, int]] = (),
    isolation: int = READ_COMMITTED,
    check: bool = False,
) -> Cursor:
    """Return a cursor over one response."""
    records = ChecksummedRecords(b"".join(batches))
    return Cursor(TP, records, list(aborted), fetched_from, None, None, check, isolation)


def offsets(fetched: Fetched) -> list[int]:
    """Return the offsets of all records, in order."""
    return [record.offset for record_slice in fetched.slices for record in record_slice.records]


def parts_of(cursor: Cursor, most: int) -> list[Fetched]:
    """Take all that the response has."""
    parts = []
    while not cursor.exhausted:
        parts.append(cursor.take(most))
    return parts


def test_small_batches_come_together_up_to_the_limit():
    """One event for many small batches: Faust's machinery costs 160 µs an event."""
    cursor = cursor_over(a_batch(0, range(3)), a_batch(3, range(3)), a_batch(6, range(3)))
    first, second = parts_of(cursor, 5)
    assert offsets(first) == [0, 1, 2, 3, 4, 5]
    assert (first.first, first.end) == (0, 6)
    assert offsets(second) == [6, 7, 8]
    assert (second.first, second.end) == (6, 9)


def test_a_huge_batch_is_handed_out_in_parts_that_join():
    """A producer's batch has no upper limit; what an agent gets has one."""
    parts = parts_of(cursor_over(a_batch(0, range(10))), 4)
    assert [offsets(part) for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [(part.first, part.end) for part in parts] == [(0, 4), (4, 8), (8, 10)]


def test_a_batch_of_exactly_the_limit_is_not_cut():
    """The limit is what fits."""
    assert [offsets(p) for p in parts_of(cursor_over(a_batch(0, range(4))), 4)] == [[0, 1, 2, 3]]


def test_every_part_knows_the_newest_timestamp_of_its_whole_batch():
    """The clock of a partition must not depend on how batches are cut."""
    parts = parts_of(cursor_over(a_batch(0, range(10))), 4)
    assert [record_slice.newest_ms for part in parts for record_slice in part.slices] == [NOW + 9] * 3


def test_the_bytes_of_a_response_are_counted_once():
    """The sum is what bounds the memory in flight."""
    batch = a_batch(0, range(10))
    assert [part.size for part in parts_of(cursor_over(batch), 4)] == [len(batch), 0, 0]


def test_reading_begins_inside_a_batch():
    """The broker answers with whole batches, also when the offset asked for is inside one."""
    parts = parts_of(cursor_over(a_batch(0, range(5)), a_batch(5, range(2)), fetched_from=3), 100)
    assert [offsets(part) for part in parts] == [[3, 4, 5, 6]]
    assert (parts[0].first, parts[0].end) == (3, 7)


def test_reading_begins_inside_a_huge_batch():
    """Parts, and no record before the offset asked for."""
    parts = parts_of(cursor_over(a_batch(0, range(10)), fetched_from=7), 2)
    assert [offsets(part) for part in parts] == [[7, 8], [9]]


def test_the_last_part_ends_where_the_batch_ends_though_its_last_records_are_compacted_away():
    """Else the next fetch would ask for the same batch for ever."""
    assert [(p.first, p.end) for p in parts_of(cursor_over(a_batch(0, [0, 3], last=7)), 2)][-1][1] == 8


def test_a_sparse_compacted_batch_keeps_its_offsets():
    """Compaction leaves holes; the records beside them keep their places."""
    parts = parts_of(cursor_over(a_batch(10, [0, 50, 99], last=120), fetched_from=10), 10)
    assert [o for part in parts for o in offsets(part)] == [10, 60, 109]
    assert (parts[0].first, parts[-1].end) == (10, 131)


def test_aborted_records_move_the_position_and_nothing_else():
    """A read_committed reader never sees them."""
    cursor = cursor_over(
        a_batch(0, range(3), producer=7),
        a_batch(3, range(2), producer=8),
        a_marker(5, 7, commits=False),
        a_marker(6, 8, commits=True),
        a_batch(7, range(1), producer=7),
        aborted=[(7, 0)],
    )
    (part,) = parts_of(cursor, 100)
    assert offsets(part) == [3, 4, 7]
    assert (part.first, part.end) == (0, 8)


EMPTY_MARKER = a_batch(2, [], last=0, producer=7, control=True)
"""What compaction leaves of the marker of an aborted transaction."""


def test_an_empty_control_batch_moves_the_position_and_nothing_else():
    """Aiokafka refuses it ("did not contain any records"), and so each start of a worker would fail."""
    cursor = cursor_over(a_batch(0, range(2)), EMPTY_MARKER, a_batch(3, range(2)))
    parts = parts_of(cursor, 100)
    assert [offsets(part) for part in parts] == [[0, 1, 3, 4]]
    assert parts[-1].end == 5


def test_aiokafka_itself_reads_past_an_empty_control_batch():
    """Ordinary Faust topics are read by its own iterator."""
    records = ChecksummedRecords(a_batch(0, range(2)) + EMPTY_MARKER + a_batch(3, range(2)))
    response = Cursor(TP, records, [], 0, None, None, False, READ_COMMITTED)
    assert [record.offset for record in response] == [0, 1, 3, 4]
    assert fetcher.PartitionRecords is Cursor


def test_a_response_of_only_control_and_aborted_batches_has_no_pieces():
    """No agent has to see it, but the offset behind it counts."""
    cursor = cursor_over(a_batch(0, range(3), producer=7), a_marker(3, 7, commits=False), aborted=[(7, 0)])
    (part,) = parts_of(cursor, 100)
    assert (part.slices, part.first, part.end) == ([], 0, 4)


def test_a_read_uncommitted_cursor_skips_only_control_batches():
    """Control records are no events under any isolation."""
    cursor = cursor_over(
        a_batch(0, range(2), producer=7),
        a_marker(2, 7, commits=False),
        aborted=[(7, 0)],
        isolation=READ_UNCOMMITTED,
    )
    (part,) = parts_of(cursor, 100)
    assert offsets(part) == [0, 1]


def test_a_batch_that_unpacks_to_many_times_its_size_is_handed_out_in_parts():
    """200 MB came in as 20 KB once: the limit is on records, not on what was fetched."""
    packed = a_batch(0, range(1000), compression=ZSTD, values=b" " * 1000)
    assert len(packed) < 20_000
    parts = parts_of(cursor_over(packed), 100)
    assert [len(offsets(part)) for part in parts] == [100] * 10


def test_packed_batches_are_unpacked_one_at_a_time():
    """Only the one that is being read takes memory: the others stay as they came."""
    cursor = cursor_over(*(a_batch(n * 10, range(10), compression=ZSTD) for n in range(5)))
    fetched = cursor.take(50)
    assert len(fetched.slices) == 5
    assert not any(isinstance(record_slice.records, list) for record_slice in fetched.slices)


def test_after_a_small_batch_a_huge_one_waits_for_the_next_take():
    """A part holds at most the limit, and a whole batch less than the limit more."""
    cursor = cursor_over(a_batch(0, range(3)), a_batch(3, range(50)))
    assert [len(offsets(part)) for part in parts_of(cursor, 20)] == [3, 20, 20, 10]


@pytest.mark.parametrize("compression", [0, ZSTD])
def test_checksums_are_those_that_producers_write(compression: int):
    """They are computed by another library than the one that has written them."""
    batches = [a_batch(3 * n, range(3), compression=compression, values=b"v" * n) for n in range(50)]
    fetched = cursor_over(*batches, check=True).take(1_000)
    assert offsets(fetched) == list(range(150))


def test_a_wrong_checksum_is_refused():
    """What the disk or the network has changed is no event."""
    raw = bytearray(a_batch(0, range(3)))
    raw[-1] ^= 0xFF
    with pytest.raises(Errors.CorruptRecordException, match="checksum"):
        cursor_over(bytes(raw), check=True).take(10)


def test_record_batches_from_before_kafka_0_11_are_refused():
    """They have no producer, no headers, and other framing."""
    raw = bytearray(a_batch(0, range(3)))
    raw[16] = 1
    with pytest.raises((Errors.UnsupportedVersionError, Errors.CorruptRecordException)):
        cursor_over(bytes(raw)).take(10)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    most=st.integers(1, 15),
    start=st.integers(0, 20),
    compression=st.sampled_from([0, 1, ZSTD]),
)
def test_parts_join_to_what_came(sizes: list[int], most: int, start: int, compression: int):
    """However a response is cut: every record once, in order, and no part over two limits."""
    firsts = [sum(sizes[:n]) for n in range(len(sizes))]
    end = sum(sizes)
    start = min(start, end - 1)
    batches = [
        a_batch(first, range(size), compression=compression)
        for first, size in zip(firsts, sizes, strict=True)
        if first + size > start  # the broker begins with the batch that holds the offset
    ]
    parts = parts_of(cursor_over(*batches, fetched_from=start), most)
    read = [offsets(part) for part in parts]
    assert [offset for part in read for offset in part] == list(range(start, end))
    assert [part.first for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert all(0 < len(part) < 2 * most for part in read)
