"""Block: buffers lines of a partition on disk, and gives the raw bytes of each object."""

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile

from dataflow.kafka.types import TopicPartition
from dataflow.sinks.s3.cuts import CutRules, Extent, ObjectLine

READ_BYTES = 1 << 20


@dataclass(slots=True)
class HourObject:
    """The buffered records of one hour, which become one object."""

    hour: int
    first_offset: int
    last_offset: int = 0
    records: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)
    """Where its bytes are in the file: start and end of each part."""
    flushed: int = 0
    """How many of the records are in the object that was put last."""
    etag: str | None = None
    """Version of that object, if we have put it."""

    def note(self, lines: Sequence[ObjectLine], start: int, end: int) -> None:
        """Note that more lines of the hour are in the file, from `start` to `end`."""
        self.last_offset = lines[-1].offset
        self.records += len(lines)
        if self.places and self.places[-1][1] == start:
            start = self.places.pop()[0]
        self.places.append((start, end))


class Block:
    """Lines of a block in a file without a name: after a crash they come again, for none is committed."""

    def __init__(self, rules: CutRules, first: ObjectLine, folder: Path, origin: TopicPartition) -> None:
        self.origin = origin
        """Where the lines are from, as the keys of their objects say."""
        self.hours: dict[int, HourObject] = {}
        self.is_complete = False
        self._extent = Extent(rules, first)
        self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # closed by `discard`
        self._size = 0

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self._extent.first_offset

    def take(self, lines: Sequence[ObjectLine]) -> int:
        """Keep those of the next lines that belong to the block; return how many these are.

        After an `OSError` (the disk is full) none is kept, and it may be called again.
        """
        extent = copy.copy(self._extent)
        taken = extent.reach(lines)
        by_hour: dict[int, list[ObjectLine]] = {}
        for line in lines[:taken]:
            by_hour.setdefault(line.hour, []).append(line)
        chunks = [b"".join([line.raw for line in its]) for its in by_hour.values()]
        self._file.seek(self._size)
        left = memoryview(b"".join(chunks))
        while left:
            left = left[self._file.write(left) :]
        for (hour, its), chunk in zip(by_hour.items(), chunks, strict=True):
            pending = self.hours.setdefault(hour, HourObject(hour, its[0].offset))
            pending.note(its, self._size, self._size + len(chunk))
            self._size += len(chunk)
        self._extent = extent
        self.is_complete = taken < len(lines)
        return taken

    def complete_by(self, offset: int) -> None:
        """Note that the log has been read up to an offset; the block may be complete now."""
        self.is_complete = self.is_complete or self._extent.ends_by(offset)

    def open_bytes(self, pending: HourObject) -> Iterator[bytes]:
        """Return the bytes of one object in pieces of at most 1 MiB, for any thread, also after `discard`."""
        return _pieces(self._file, list(pending.places))

    def discard(self) -> None:
        """Close the file, which deletes it."""
        self._file.close()


def _pieces(file: FileIO, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    descriptor = os.dup(file.fileno())  # stays open when the block is discarded
    try:
        for start, end in places:
            for begin, stop in pairwise([*range(start, end, READ_BYTES), end]):
                yield os.pread(descriptor, stop - begin, begin)
    finally:
        os.close(descriptor)
