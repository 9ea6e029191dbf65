"""Output: records in, record batches ready for one produce request each out."""

from collections.abc import Iterable

from aiokafka.producer.message_accumulator import BatchBuilder

from dataflow.engine.producer import BATCH_BYTES

Headers = list[tuple[str, bytes]]
OutputRecord = tuple[int, bytes | None, bytes | None, Headers]
"""Timestamp in ms since 1970, key, value, headers."""

SMALLEST_BYTES = 16 << 10
DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # what a topic takes if nobody says otherwise
CODECS = {None: 0, "gzip": 1, "snappy": 2, "zstd": 4}  # as in the attributes of a record batch


class Oversized(Exception):
    """A record is larger than the broker takes; `index` is its place among the records."""

    def __init__(self, index: int, size: int, most: int) -> None:
        super().__init__(f"has {size} bytes; expected at most {most}")
        self.index = index


class RecordBatches:
    """Makes record batches for one worker: its codec, its kind of producer."""

    def __init__(self, compression: str | None, *, transactional: bool) -> None:
        self._codec = CODECS[compression]
        self._transactional = int(transactional)

    def pack(
        self,
        records: Iterable[OutputRecord],
        size_hint: int = BATCH_BYTES,
        most_bytes: int | None = None,
    ) -> list[BatchBuilder]:
        """Return the records, in order, as record batches of at most 512 KiB or one record.

        `size_hint` is about how many bytes will come: a buffer of that size is taken at
        once. Raises `Oversized` for a record that makes more than `most_bytes` by itself.
        """
        made: list[BatchBuilder] = []

        def close(builder: BatchBuilder, first: int, count: int) -> None:
            builder._relative_offset = count
            if most_bytes is not None and builder.size() > most_bytes:
                raise Oversized(first, builder.size(), most_bytes)  # alone in it: a batch ends at 512 KiB
            if count:
                made.append(builder)

        # The Cython builder itself: BatchBuilder.append costs as much again.
        first, n, out = 0, 0, self._builder(min(max(size_hint, SMALLEST_BYTES), BATCH_BYTES))
        append = out._builder.append
        for timestamp, key, value, headers in records:  # unpacked: `*record` costs half as much again
            if append(n, timestamp, key, value, headers) is None:
                close(out, first, n)
                first, n, out = first + n, 0, self._builder(BATCH_BYTES)
                append = out._builder.append
                append(0, timestamp, key, value, headers)
            n += 1
        close(out, first, n)
        return made

    def _builder(self, size: int) -> BatchBuilder:
        return BatchBuilder(size, self._codec, is_transactional=self._transactional)
