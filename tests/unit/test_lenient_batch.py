"""Batches of foreign clients in; the same records by every way that records are read, out."""

from collections.abc import Callable, Iterator

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, Errors
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition
from foreign_batches import LATIN, LATIN_READ, NAME, Change, foreign_batch, renamed, with_attributes
from hypothesis import given
from hypothesis import strategies as st

from dataflow.kafka.checksums import ChecksummedRecords
from dataflow.kafka.fetch import Cursor
from dataflow.kafka.lenient_batch import REFUSALS
from dataflow.kafka.record_batches import RecordBatches

AT = 1_700_000_000_000
VALUES = [b"a", None, b"", b"d" * 200, b"e"]
Read = tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def cursor_over(*batches: bytes, first: int = 0) -> Cursor:
    """Return a cursor over one response, as aiokafka makes it."""
    records = ChecksummedRecords(b"".join(batches))
    return Cursor(TopicPartition("source", 0), records, [], first, None, None, True, READ_COMMITTED)


def in_batches(cursor: Cursor, most: int = 1_000) -> Iterator[Read]:
    """Read as sources, sinks, rules, marks, changelogs and the tail do."""
    while not cursor.exhausted:
        for part in cursor.take(most).slices:
            for r in part.records:
                yield r.offset, r.timestamp, r.key, r.value, list(r.headers)


def in_parts(cursor: Cursor) -> Iterator[Read]:
    """Read a batch that is larger than what is asked for."""
    return in_batches(cursor, 2)


def by_aiokafka(cursor: Cursor) -> Iterator[Read]:
    """Read as ordinary agents of Faust do."""
    for r in cursor:
        assert cursor.next_fetch_offset == r.offset + 1
        yield r.offset, r.timestamp, r.key, r.value, list(r.headers)


READERS = [in_batches, in_parts, by_aiokafka]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("codec", range(5))
@pytest.mark.parametrize(("change", "name"), [(renamed, LATIN_READ), (with_attributes, NAME.decode())])
def test_what_a_broker_takes_is_read_by_every_reader(
    read: Callable[[Cursor], Iterator[Read]], codec: int, change: Change, name: str
):
    """One such record ended every worker that read it, and each of its successors."""
    foreign = foreign_batch(VALUES, change, timestamp=AT, first=3, codec=codec)
    plain = [foreign_batch(VALUES[:3], bytearray, timestamp=AT, first=first) for first in (0, 8)]
    cursor = cursor_over(plain[0], foreign, plain[1])
    came = list(read(cursor))
    assert [offset for offset, *_ in came] == list(range(11))
    assert came[3:8] == [(3 + n, AT, b"%d" % n, value, [(name, b"1")]) for n, value in enumerate(VALUES)]
    assert (cursor.next_fetch_offset, cursor.exhausted) == (11, True)


@pytest.mark.parametrize("read", READERS)
def test_reading_such_a_batch_begins_inside(read: Callable[[Cursor], Iterator[Read]]):
    """A worker takes over at any offset."""
    cursor = cursor_over(foreign_batch(VALUES, renamed, timestamp=AT), first=3)
    assert [offset for offset, *_ in read(cursor)] == [3, 4]


@given(name=st.binary(min_size=8, max_size=8), codec=st.sampled_from([0, 4]))
def test_a_name_of_any_bytes_can_be_written_again(name: bytes, codec: int):
    """What is read goes on to outputs or to the dead letters, as text."""

    def named(raw: bytearray) -> bytearray:
        return raw.replace(NAME, name)

    raw = foreign_batch(VALUES, named, timestamp=AT, codec=codec)
    came = [list(read(cursor_over(raw))) for read in READERS]
    assert came[0] == came[1] == came[2]
    [(read_name, value)] = came[0][0][-1]
    assert (read_name, value) == (name.decode(errors="backslashreplace"), b"1")
    (packed,) = RecordBatches(None, transactional=False).pack(list(r[1:]) for r in came[0])
    assert [r[-1] for r in in_batches(cursor_over(bytes(packed._build())))] == [r[-1] for r in came[0]]


@pytest.mark.parametrize("read", READERS)
def test_a_batch_with_a_wrong_checksum_is_refused_all_the_same(read: Callable[[Cursor], Iterator[Read]]):
    """What the disk or the network has changed is no event."""
    raw = bytearray(foreign_batch(VALUES, renamed, timestamp=AT))
    raw[-1] ^= 0xFF
    with pytest.raises(Errors.CorruptRecordException):
        list(read(cursor_over(bytes(raw))))


@pytest.mark.parametrize("change", [renamed, with_attributes])
def test_aiokafka_refuses_what_we_read(change: Change):
    """If it comes to take them, `lenient_batch` may go."""
    raw = foreign_batch(VALUES, change, timestamp=AT)
    assert (LATIN in raw) == (change is renamed)
    batch = ChecksummedRecords(raw).next_batch()
    assert isinstance(batch, DefaultRecordBatch)
    with pytest.raises(REFUSALS):
        list(batch)
