"""Structured lines: a line in DataStream 2's STRUCTURED format and its field order in, JSON out."""

from collections.abc import Sequence

import orjson

from dataflow.errors import InvalidEvent, Reason


def structured_to_json(line: bytes, fields: Sequence[str]) -> bytes:
    """Return the line as the JSON that the same stream would send in the JSON format.

    Tabs stand between the values if there is one, else spaces; every value is a text, as
    sent. Raises `InvalidEvent` for another number of values than of fields.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        fault = f"line has byte {line[error.start]:#04x} at {error.start}; expected UTF-8"
        raise InvalidEvent(Reason.NOT_UTF8, fault) from error
    values = text.split("\t" if "\t" in text else " ")
    if len(values) != len(fields):
        raise InvalidEvent(
            Reason.UNPARSABLE,
            f"line has {len(values)} values; expected {len(fields)}, "
            "as DATAFLOW_INGEST_STRUCTURED_FIELDS names them",
        )
    return orjson.dumps(dict(zip(fields, values, strict=True)))
