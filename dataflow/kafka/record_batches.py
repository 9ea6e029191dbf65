"""Output: records in, record batches ready for one produce request each out."""

from collections import Counter
from collections.abc import Iterable

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from dataflow.instants import now_ms
from dataflow.kafka.errors import RecordsTooLarge, TimestampsRefused
from dataflow.kafka.packed_batch import MOST_BYTES
from dataflow.kafka.producers import BATCH_BYTES
from dataflow.kafka.record import Headers, OutputRecord

NO_TIMESTAMP = -1
AROUND_NOW_MS = 60_000
SMALLEST_BYTES = 16 << 10
LEAST_DEAD_BYTES = 8 << 10  # without content it has less
DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # what a topic takes if nobody says otherwise
CODECS = {None: 0, "gzip": 1, "snappy": 2, "zstd": 4}  # as in the attributes of a record batch


class RecordBatches:
    """Makes record batches for one worker: its codec, its kind of producer."""

    def __init__(self, compression: str | None, *, transactional: bool) -> None:
        self._codec = CODECS[compression]
        self._transactional = int(transactional)
        self._refusals: Counter[str] = Counter()
        self.most_dead_bytes = MOST_BYTES
        """What a dead letter may have: all that a source can hold, until its topic has refused some."""
        self.most_bytes: dict[str, int] = {}
        """What topics take at most (max.message.bytes), as far as the broker has told it."""

    def accepted_bytes(self, topic: str) -> int:
        """Return how large a record batch of this topic may be."""
        return self.most_bytes.get(topic, DEFAULT_MAX_MESSAGE_BYTES)

    def adapt_to(self, error: BaseException, dead_letters: str) -> bool:
        """Have what a topic has refused written otherwise next time; tell whether that can be.

        Records for their timestamps; dead letters for their size, which have half of it from then on.
        """
        if isinstance(error, TimestampsRefused):
            self.refuse_timestamps(error.topic)
            return True
        is_large = isinstance(error, RecordsTooLarge) and dead_letters in error.topics
        if is_large and self.most_dead_bytes > LEAST_DEAD_BYTES:
            half = self.most_dead_bytes // 2
            self.most_dead_bytes = min(half, self.most_bytes.get(dead_letters, half))
            return True
        return False

    def refuse_timestamps(self, topic: str) -> None:
        """Note that a topic has refused records for their timestamps."""
        self._refusals[topic] += 1

    def timely(self, topic: str, records: Iterable[OutputRecord]) -> Iterable[OutputRecord]:
        """Return records with timestamps that the topic takes: their own, until it refuses some.

        Then now stands for those that are not of this minute. Where it refuses that, too, our clock is
        wrong: they get none, which every topic takes.
        """
        refusals, now = self._refusals[topic], now_ms()
        if not refusals:
            return records
        instead = now if refusals == 1 else NO_TIMESTAMP
        kept = range(now - AROUND_NOW_MS, now + AROUND_NOW_MS) if refusals == 1 else ()
        return ((r[0] if r[0] in kept else instead, *r[1:]) for r in records)

    def pack_for(self, topic: str, records: Iterable[OutputRecord], size_hint: int) -> list[BatchBuilder]:
        """Return the records as record batches of which this topic refuses none, as far as that is known."""
        return self.pack(self.timely(topic, records), size_hint, self.accepted_bytes(topic))

    def pack(
        self,
        records: Iterable[OutputRecord],
        size_hint: int = BATCH_BYTES,
        accepted_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    ) -> list[BatchBuilder]:
        """Return the records, in order, as record batches of one record or at most 512 KiB.

        A topic may accept less. `size_hint` is about how many bytes will come: a buffer of that size is taken
        at once.
        """
        made: list[BatchBuilder] = []
        most = max(1, min(accepted_bytes, BATCH_BYTES))
        # The Cython builder itself: BatchBuilder.append costs as much again.
        n, out = 0, self._builder(min(max(size_hint, SMALLEST_BYTES), most))
        append = out._builder.append
        for timestamp, key, value, headers in records:  # unpacked: `*record` costs half as much again
            if append(n, timestamp, key, value, headers) is None:
                _close(out, n, made)
                n, out = 0, self._builder(most)
                append = out._builder.append
                append(0, timestamp, key, value, headers)
            n += 1
        _close(out, n, made)
        return made

    def _builder(self, size: int) -> BatchBuilder:
        return BatchBuilder(size, self._codec, is_transactional=self._transactional)


def _close(builder: BatchBuilder, records: int, made: list[BatchBuilder]) -> None:
    builder._relative_offset = records
    if records:
        made.append(builder)


def largest_size(key: bytes | None, value: bytes, headers: Headers) -> int:
    """Return how many bytes a record batch of only this record has at most, uncompressed."""
    size: int = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    return size
