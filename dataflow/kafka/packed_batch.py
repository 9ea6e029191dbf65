"""Packed batches: a record batch as fetched in; its records, whatever a broker takes, out.

What unpacks to more than is allowed, or cannot be read at all, is records without content: they are
counted, and become dead letters, and the stream goes on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from aiokafka.record.default_records import DefaultRecordBatch

from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.lenient_batch import REFUSALS, LenientBatch
from dataflow.kafka.record import Header, Record
from dataflow.kafka.unpacking import UNPACKING_ERRORS, TooLarge, unpack

MOST_BYTES: Final = 64 << 20
"""What one record batch may unpack to, and those together that are handed out at once and pack very well."""
USUAL_RATIO: Final = 32
"""Logs are packed to a tenth: what is packed less than this is read whatever came with it."""
LEAST_BYTES: Final = 64 << 10

HEADER_BYTES: Final = LenientBatch.HEADER_STRUCT.size
ATTRIBUTES_AT: Final = 22  # its low byte, where the codec is
_COUNT: Final = Struct(">i")


@dataclass(slots=True)
class UnreadRecord:
    """A record whose content cannot be had; `fault` says why."""

    offset: int
    timestamp: int
    fault: InvalidEvent
    timestamp_type: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[Header] = ()
    checksum: None = None


class Allowance:
    """How much record batches that are handed out together may unpack to.

    Else a response of a megabyte could hold hundreds, each of them within its own bound.
    """

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def of(self, packed_bytes: int) -> int:
        """Return how much a batch of this size may unpack to."""
        return min(max(self._left, packed_bytes * USUAL_RATIO, LEAST_BYTES), MOST_BYTES)

    def take(self, unpacked_bytes: int) -> None:
        """Note that one has unpacked to so much."""
        self._left = max(self._left - unpacked_bytes, 0)


def readings(batch: DefaultRecordBatch, raw: memoryview, allowance: Allowance) -> Iterator[Iterable[Record]]:
    """Yield the records of a batch by one way of reading after the other, each more lenient.

    Iterating over one raises one of `REFUSALS` where the next has to be taken; over the last none does.
    """
    plain: memoryview | bytearray = raw
    if codec := batch.compression_type:
        plain = bytearray(raw[:HEADER_BYTES])
        plain[ATTRIBUTES_AT] &= ~DefaultRecordBatch.CODEC_MASK
        most = allowance.of(len(raw))
        try:
            unpack(codec, raw[HEADER_BYTES:], plain, most)
        except UNPACKING_ERRORS as error:
            plain.clear()
            yield _unread(batch, raw, _fault(batch, error, most))
            return
        allowance.take(len(plain))
    yield DefaultRecordBatch(plain)
    yield LenientBatch(plain)
    yield _unread(batch, raw, _fault(batch, ValueError("its records are not as Kafka writes them")))


def _fault(batch: DefaultRecordBatch, error: Exception, most: int = 0) -> InvalidEvent:
    where = f"record batch at offset {batch.base_offset}"
    if isinstance(error, TooLarge):
        return InvalidEvent(
            Reason.TOO_LARGE, f"{where} unpacks to more than {most} bytes; expected at most that"
        )
    return InvalidEvent(
        Reason.UNPARSABLE, f"{where} cannot be unpacked: {error}; expected what its codec writes"
    )


def _unread(batch: DefaultRecordBatch, raw: memoryview, fault: InvalidEvent) -> Iterator[UnreadRecord]:
    (count,) = _COUNT.unpack_from(raw, HEADER_BYTES - _COUNT.size)
    end = batch.next_offset  # compaction leaves fewer records than offsets, and does not say which
    for offset in range(max(end - count, batch.base_offset), end):
        yield UnreadRecord(offset, batch.max_timestamp, fault)


class WholeBatch:
    """The records of a batch from an offset on, unpacked when somebody iterates over them, once."""

    __slots__ = "_allowance", "_batch", "_first", "_raw"

    def __init__(self, batch: DefaultRecordBatch, raw: memoryview, first: int, allowance: Allowance) -> None:
        self._batch, self._raw, self._first, self._allowance = batch, raw, first, allowance

    def __iter__(self) -> Iterator[Record]:
        records: list[Record] = []
        for reading in readings(self._batch, self._raw, self._allowance):
            try:
                records = list(reading)
                break
            except REFUSALS:
                continue
        if self._batch.base_offset < self._first:
            records = [record for record in records if record.offset >= self._first]
        return iter(records)
