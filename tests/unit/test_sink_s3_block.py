"""A block of the archive while it is gathered on disk."""

import os
import resource
import signal
import tracemalloc
from tempfile import SpooledTemporaryFile

import pytest

from dataflow.kafka.types import TopicPartition
from dataflow.sinks.s3.block import READ_BYTES, Block
from dataflow.sinks.s3.cuts import CutRules, ObjectLine
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.store import PART_BYTES

TP = TopicPartition("t", 0)


def a_line(offset: int, hour: int = 0, raw: bytes = b"x\n") -> ObjectLine:
    """Return a line that arrived in 1970."""
    return ObjectLine(offset, 0, hour, raw)


@pytest.fixture
def block(tmp_path):
    """Return an empty block of which the first record is at offset 5."""
    block = Block(CutRules(records=100), a_line(5), tmp_path, TP)
    yield block
    block.discard()


def test_lines_come_out_by_hour_in_their_order(block):
    """Hours may be mixed as they like; every hour is an object."""
    lines = [a_line(offset, offset % 2, b"%d\n" % offset) for offset in range(5, 15)]
    assert block.take(lines[:4]) == 4
    assert block.take(lines[4:]) == 6
    assert {hour: b"".join(block.open_bytes(its)) for hour, its in block.hours.items()} == {
        1: b"5\n7\n9\n11\n13\n",
        0: b"6\n8\n10\n12\n14\n",
    }
    odd = block.hours[1]
    assert (odd.first_offset, odd.last_offset, odd.records) == (5, 13, 5)


def test_a_block_knows_that_it_is_complete(block):
    """By a record that does not belong to it."""
    assert block.take([a_line(98), a_line(99), a_line(100)]) == 2
    assert block.is_complete


def test_a_block_may_be_complete_without_a_further_record(block):
    """The log has been read to where it ends."""
    block.take([a_line(98)])
    block.complete_by(99)
    assert not block.is_complete
    block.complete_by(100)
    assert block.is_complete


def test_large_objects_are_read_in_pieces(block):
    """Memory holds one piece, whatever the object has."""
    block.take([a_line(5, raw=bytes(READ_BYTES * 2 + 1))])
    assert [len(piece) for piece in block.open_bytes(block.hours[0])] == [READ_BYTES, READ_BYTES, 1]


def test_nothing_is_gathered_twice_when_the_disk_was_full(block, tmp_path):
    """The same lines are taken again when there is room."""
    block.take([a_line(5)])
    waiting = [a_line(6, 0, b"a" * 5_000), a_line(7, 1, b"b" * 5_000)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, limits[1]))  # in the midst of the second line
    try:
        with pytest.raises(OSError, match="too large"):
            block.take(waiting)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, told)
    assert block.take(waiting) == 2
    assert b"".join(block.open_bytes(block.hours[0])) == b"x\n" + b"a" * 5_000
    assert b"".join(block.open_bytes(block.hours[1])) == b"b" * 5_000


def test_what_is_being_read_may_be_discarded(tmp_path):
    """A worker that is told to leave does not wait for what it is putting."""
    block = Block(CutRules(), a_line(0), tmp_path, TP)
    block.take([a_line(0, raw=bytes(READ_BYTES + 1))])
    pieces = block.open_bytes(block.hours[0])
    next(pieces)
    block.discard()
    assert len(next(pieces)) == 1
    assert list(tmp_path.iterdir()) == []


def test_packing_a_large_object_takes_no_more_memory_than_a_few_parts(tmp_path):
    """32 MiB that cannot be packed go through pieces, slices and a file."""
    raw = os.urandom(1 << 20)
    block = Block(CutRules(records=100), a_line(0), tmp_path, TP)
    for offset in range(32):
        block.take([a_line(offset, raw=raw)])
    tracemalloc.start()
    try:
        with SpooledTemporaryFile(max_size=PART_BYTES, dir=tmp_path) as body:
            GzipNdjson().encode("topic", block.open_bytes(block.hours[0]), body)
            assert body.tell() > 32 << 20
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        block.discard()
    assert most < 3 * PART_BYTES
