"""Record batches that are packed oddly, or very well, in; bounded records, and the others as ever, out."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress

import faust
import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.structs import TopicPartition
from foreign_batches import ODDLY_PACKED, foreign_batch
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.batch import Batch
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.errors import Reason
from dataflow.kafka.checksums import ChecksummedRecords
from dataflow.kafka.fetch import Cursor
from dataflow.kafka.packed_batch import MOST_BYTES, UnreadRecord
from dataflow.kafka.record import Record
from dataflow.kafka.unpacking import UNPACKING_ERRORS, unpack

AT = 1_700_000_000_000
TP = TopicPartition("source", 0)
VALUES = [b"a", None, b"", b"d" * 200, b"e"]
LARGE = [bytes(MOST_BYTES + 1)]
CODECS = {"gzip": 1, "lz4": 3, "zstd": 4}
"""Snappy packs nothing to less than a twentieth, so that a megabyte of it needs no bound."""


def cursor_over(*batches: bytes) -> Cursor:
    """Return a cursor over one response, as aiokafka makes it."""
    return Cursor(TP, ChecksummedRecords(b"".join(batches)), [], 0, None, None, True, READ_COMMITTED)


def in_batches(cursor: Cursor, most: int = 1_000) -> Iterator[Record]:
    """Read as sources, sinks, rules, marks, changelogs and the tail do."""
    while not cursor.exhausted:
        for part in cursor.take(most).slices:
            yield from part.records


def in_parts(cursor: Cursor) -> Iterator[Record]:
    """Read a batch that has more records than are asked for."""
    return in_batches(cursor, 1)


READERS = [in_batches, in_parts, iter]


def batch(values: list[bytes | None], first: int, codec: int = 0) -> bytes:
    """Return a batch with these values, from this offset on."""
    return foreign_batch(values, bytearray, timestamp=AT, first=first, codec=codec)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_unpacks_without_bound_costs_bounded_memory_and_nobody_else(
    read: Callable[[Cursor], Iterator[Record]], codec: int
):
    """9.6 KB of zstd took 300 MB of each worker that read it, for as long as it was there."""
    large = batch(LARGE, 2, codec)
    cursor = cursor_over(batch([b"0", b"1"], 0), large, batch([b"3"], 3))
    tracemalloc.start()
    try:
        came = list(read(cursor))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(record.offset, record.value) for record in came] == [(0, b"0"), (1, b"1"), (2, None), (3, b"3")]
    assert peak < 2.5 * MOST_BYTES, f"{peak:,} bytes"
    assert (cursor.next_fetch_offset, cursor.exhausted) == (4, True)
    unread = came[2]
    if isinstance(unread, UnreadRecord):  # an ordinary agent gets aiokafka's own type
        assert (unread.fault.reason, unread.timestamp) == (Reason.TOO_LARGE, AT)
        assert "offset 2 unpacks to more than 67108864 bytes" in unread.fault.detail


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ODDLY_PACKED)
def test_what_a_broker_unpacks_is_read(read: Callable[[Cursor], Iterator[Record]], name: str):
    """Kafka's codecs take what aiokafka's refuse: one such batch ended every worker that read it."""
    codec, pack = ODDLY_PACKED[name]
    raw = foreign_batch(VALUES, bytearray, timestamp=AT, codec=codec, pack=pack)
    assert [record.value for record in read(cursor_over(raw))] == VALUES


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("codec", range(1, 5))
def test_what_nobody_can_unpack_is_records_without_content(
    read: Callable[[Cursor], Iterator[Record]], codec: int
):
    """A checksum is right also of what a producer has packed wrongly; another codec may take it one day."""
    raw = foreign_batch(VALUES, bytearray, timestamp=AT, codec=codec, pack=lambda _: b"\x82SNAPPY\0 is none")
    came = list(read(cursor_over(raw, batch([b"good"], 5))))
    assert [(record.offset, record.value) for record in came] == [
        *((n, None) for n in range(5)),
        (5, b"good"),
    ]


def test_many_that_unpack_to_much_are_bounded_together():
    """Each of them within its bound, a response of a megabyte held six gigabytes."""
    wells = [batch([bytes(MOST_BYTES // 4)], n, 4) for n in range(8)]
    plain = batch([b'{"n": %d}' % n for n in range(1_000)], 8, 4)
    came = list(in_batches(cursor_over(*wells, plain), 2_000))
    assert sum(len(record.value or b"") for record in came[:8]) <= MOST_BYTES
    assert sum(isinstance(record, UnreadRecord) for record in came) == 5
    assert [record.offset for record in came] == list(range(1_008))


class Event(faust.Record, include_metadata=False):
    """What the source holds."""

    a: str | None = None


class LoneOwner:
    """A partition that nobody reads on."""

    tp = TP

    def accepted_bytes(self, _: str) -> int:
        """Return Kafka's default."""
        return 1_048_588

    def enter(self, batch: Batch) -> None:
        """Refuse: this test takes a batch as it is."""
        raise AssertionError(batch)

    def leave(self, batch: Batch, error: BaseException | None) -> None:
        """Refuse, too."""
        raise AssertionError(batch, error)


def test_each_of_its_records_is_a_dead_letter_that_says_why():
    """Received is sent and dropped and dead-lettered, also of what nobody has seen."""
    stage = EnrichStage("mark", compile_decoder(Event, ["a"], ["mark"]), lambda _: Added(mark=1))
    large = foreign_batch([b"{}", *LARGE, b"{}"], bytearray, timestamp=AT, first=1, codec=4)
    fetched = cursor_over(batch([b"{}"], 0), large, batch([b"{}"], 4)).take(1_000)
    made = Batch(LoneOwner(), None, fetched, AT)
    rows = made.apply(stage)
    assert [record.offset for record in rows.records] == [0, 4]
    assert [(dead.record.offset, dead.fault.reason) for dead in made.dead] == [
        (n, Reason.TOO_LARGE) for n in (1, 2, 3)
    ]
    assert made.event_counts.received == 5


@given(codec=st.integers(1, 4), packed=st.binary(max_size=200), begin=st.booleans())
def test_no_bytes_make_a_codec_raise_anything_else(codec: int, packed: bytes, *, begin: bool):
    """What is not told apart from a bug would end the worker."""
    if begin:
        good = foreign_batch([b"a" * 50], bytearray, timestamp=AT, codec=codec)[61:]
        packed = good[: len(packed) % len(good)] + packed
    with suppress(UNPACKING_ERRORS):
        unpack(codec, memoryview(packed), bytearray(), 1 << 20)
