"""JSON objects: the records of Avro and Parquet as lines of text."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import orjson

from dataflow.inputs.input import PIECE_BYTES, Pieces


def json_objects(records: Iterable[object]) -> Pieces:
    """Yield records as JSON objects, one a line, with dates and times in ISO 8601.

    Raises TypeError for a value that is no record, or that JSON has no form for.
    """
    lines, size = [], 0
    for record in records:
        if not isinstance(record, dict):
            raise TypeError(f"it holds values of type {type(record).__name__}; records are read")
        line = orjson.dumps(record, default=_plain, option=orjson.OPT_APPEND_NEWLINE)
        lines.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _plain(value: object) -> object:
    """Return values that JSON lacks: bytes as in the JSON of Avro, decimals with all digits, seconds."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"a value of type {type(value).__name__}")
