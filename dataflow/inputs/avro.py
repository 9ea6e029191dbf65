"""Avro: reads a container as JSON objects, one a line; blocks are split here, with a bound on their size."""

from collections.abc import Iterator
from io import BytesIO
from typing import IO, NoReturn, cast

import cramjam
import fastavro
import orjson
from fastavro.types import Schema

from dataflow.inputs.avro_sizes import fewest_bytes
from dataflow.inputs.input import Pieces, UnreadableInput
from dataflow.inputs.json_objects import json_objects
from dataflow.inputs.piece_file import PieceFile
from dataflow.sources.inflate import UNPACKING_ERRORS, inflate_stream, open_inflater

BLOCK_BYTES = 64 << 20  # usual blocks have 64 KiB, rarely some MiB

CHECKSUM_BYTES = 4
ENCODINGS = {"deflate": "deflate", "zstandard": "zstd"}
CODECS = "null, deflate, snappy or zstandard"
BROKEN = (
    EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError,
    cramjam.DecompressionError, RecursionError, *UNPACKING_ERRORS,
)  # fmt: skip
"""What fastavro and the codecs raise for broken bytes."""

HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": 16}},
        ],
    }
)


class _Blocks(PieceFile):
    """A container; a part that is larger than any is refused before it is in memory."""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= BLOCK_BYTES:
            raise ValueError(f"a part has {size} bytes; at most {BLOCK_BYTES} are read")
        return super().read(size)


def avro_lines(path: str, pieces: Pieces) -> Pieces:
    """Yield the records, with dates and times in ISO 8601; raises `UnreadableInput`."""
    held = _Blocks(pieces)
    source = cast("IO[bytes]", held)  # fastavro only calls `read`
    try:
        header = cast("dict[str, object]", fastavro.schemaless_reader(source, HEADER, None))
        meta = cast("dict[str, bytes]", header["meta"])
        schema = fastavro.parse_schema(orjson.loads(meta["avro.schema"]))
        fewest = fewest_bytes(schema)
        codec = meta.get("avro.codec", b"null").decode()
        while not held.is_over():
            count = cast("int", fastavro.schemaless_reader(source, "long", None))
            block = cast("bytes", fastavro.schemaless_reader(source, "bytes", None))
            plain = _unpacked(codec, block)
            if count > len(plain) // fewest if fewest else count > 0:
                raise ValueError(f"a block of {len(plain)} bytes has {count} records")
            yield from json_objects(_records_of(plain, count, schema))
            if source.read(16) != header["sync"]:
                raise ValueError("a block does not end with the mark of its file")
    except (*BROKEN, fastavro.schema.SchemaParseException) as error:
        raise UnreadableInput(f"{path} is broken Avro ({error!r}); expected a whole container") from error


def _unpacked(codec: str, block: bytes) -> bytes:
    if codec == "null":
        return block
    if codec == "snappy":
        packed = block[:-CHECKSUM_BYTES]
        if cramjam.snappy.decompress_raw_len(packed) > BLOCK_BYTES:
            _refuse_too_large()
        return bytes(cramjam.snappy.decompress_raw(packed))
    if codec not in ENCODINGS:
        raise ValueError(f"its codec is {codec!r}; {CODECS} are read")
    parts, size = [], 0
    for piece in inflate_stream(open_inflater(ENCODINGS[codec], block), block):
        size += len(piece)
        if size > BLOCK_BYTES:
            _refuse_too_large()
        parts.append(piece)
    return b"".join(parts)


def _refuse_too_large() -> NoReturn:
    raise ValueError(f"a block unpacks to more than {BLOCK_BYTES} bytes")


def _records_of(block: bytes, count: int, schema: Schema) -> Iterator[object]:
    records = BytesIO(block)
    for _ in range(count):
        yield fastavro.schemaless_reader(records, schema, None)
