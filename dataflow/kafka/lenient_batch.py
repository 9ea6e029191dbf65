"""Record batches with what Kafka takes and aiokafka refuses: such names of headers, and such attributes."""

from typing import SupportsIndex

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.util import decode_varint

REFUSALS = UnicodeDecodeError, CorruptRecordException, IndexError
"""What aiokafka raises for such a record, each time that it is read."""


class _LenientBytes(bytearray):
    """Bytes whose slices decode without an error."""

    def __getitem__(self, at: SupportsIndex | slice) -> "int | _LenientBytes":  # type: ignore[override]
        part = super().__getitem__(at)
        return _LenientBytes(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


class LenientBatch(_DefaultRecordBatchPy):
    r"""A record batch that a broker has checked, read as a broker reads it.

    A header's name may be any bytes: those that are not UTF-8 are written as in Python, `\xff`. The
    attributes of a record are one byte, which means nothing yet; aiokafka takes them for a longer number.
    """

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBytes(self._buffer)

    def _read_msg(self) -> DefaultRecord:
        _, attributes_at = decode_varint(self._buffer, self._pos)
        self._buffer[attributes_at] = 0
        return super()._read_msg()
