"""Finds records that are too large for a topic, before the broker refuses their whole checkpoint."""

from collections.abc import Sequence
from typing import TypeVar

from dataflow.engine.column_batch import KEY, ColumnBatch, Encode
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import largest_size

E = TypeVar("E")

RECORD_BYTES = 128  # around key, value and headers, in a record batch of its own


def oversized(rows: ColumnBatch[E], encode: Encode[E] | None, max_bytes: int) -> int | None:
    """Return the first row whose record, with key and headers, makes more than `max_bytes`."""
    values, headers, keys = rows.values(encode), rows.headers(), list(map(KEY, rows.records))
    if max(map(len, values), default=0) + _largest(keys, headers) + RECORD_BYTES <= max_bytes:
        return None
    for index, (key, value, own) in enumerate(zip(keys, values, headers, strict=True)):
        if largest_size(key, value, own) > max_bytes:
            return index
    return None


def _largest(keys: Sequence[bytes | None], headers: Sequence[Headers]) -> int:
    """Return how large the largest key and the largest headers are together."""
    different = {id(few): few for few in filter(None, headers)}.values()
    return max(map(len, filter(None, keys)), default=0) + max(
        (sum(len(name) + len(value or b"") + 16 for name, value in few) for few in different), default=0
    )
