"""Checksums: the bytes of a fetch response in; its record batches, and whether each is intact, out."""

import struct

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c

_LENGTH = struct.Struct(">i")
_EPOCH = struct.Struct(">i")
_LENGTH_AT, _COUNTED_FROM, _CHECKED_FROM = 8, 12, 21
"""Where in a record batch its length stands, and where that and the checksum begin (KIP-98)."""
_EPOCH_AT = 12


class ChecksummedRecords(MemoryRecords):
    """Computes checksums by the processor's instruction.

    aiokafka's come from a table: a nanosecond a byte, a tenth of all that a CDN line costs.
    """

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._raw = memoryview(raw)
        self.raw_batch = self._raw[:0]
        """The bytes of the record batch that came last."""
        self._next = 0

    def next_batch(self) -> DefaultRecordBatch | None:
        """Return the next record batch; None at the end."""
        batch = super().next_batch()
        if batch is not None:
            begin = self._next
            (length,) = _LENGTH.unpack_from(self._raw, begin + _LENGTH_AT)
            self._next = begin + _COUNTED_FROM + length
            self.raw_batch = self._raw[begin : self._next]
        return batch

    @property
    def leader_epoch(self) -> int:
        """Of the leader that has stored the record batch that came last; its format has to be 2."""
        epoch: int = _EPOCH.unpack_from(self.raw_batch, _EPOCH_AT)[0]
        return epoch

    def is_intact(self, batch: DefaultRecordBatch) -> bool:
        """Tell whether the record batch that came last is as its producer wrote it."""
        return bool(crc32c(self.raw_batch[_CHECKED_FROM:]) == batch.crc)


fetcher.MemoryRecords = ChecksummedRecords  # aiokafka asks nobody what to make of a response
