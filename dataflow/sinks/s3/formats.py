"""Formats of objects: how a record becomes a line, and lines become an object."""

import zlib
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Union

from dataflow.extras import Extra, require
from dataflow.kafka.record import Record
from dataflow.sinks.contract import one_line

if TYPE_CHECKING:
    from dataflow.sinks.s3.parquet import Parquet

_SLICE_BYTES = 128 << 10
_GZIP = 16 + zlib.MAX_WBITS


class GzipNdjson:
    """JSON lines, each as the producer sent it, byte for byte; gzip without time and name.

    As with every format the same lines make the same bytes, whatever pieces they come in.
    """

    suffix = ".ndjson.gz"
    media_type = "application/gzip"

    def line_of(self, topic: str, record: Record, at_ms: int) -> bytes:  # noqa: ARG002  # all topics alike
        """Return the value; line feeds in it, which can only be white space of JSON, become spaces."""
        assert record.value is not None
        return one_line(record.value) + b"\n"

    def encode(self, topic: str, pieces: Iterable[bytes], out: IO[bytes]) -> None:  # noqa: ARG002  # all topics alike
        """Write the lines, packed."""
        packing = zlib.compressobj(wbits=_GZIP)
        # zlib only guarantees the same output for the same sequence of calls.
        for piece in _slices(pieces):
            out.write(packing.compress(piece))
        out.write(packing.flush())


def _slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    left = bytearray()
    for piece in pieces:
        left += piece
        whole = len(left) - len(left) % _SLICE_BYTES
        for start in range(0, whole, _SLICE_BYTES):
            yield bytes(left[start : start + _SLICE_BYTES])
        del left[:whole]
    yield bytes(left)


Format = Union[GzipNdjson, "Parquet"]


def parquet(topics: Iterable[str]) -> "Parquet":
    """Return Parquet as the format of these topics; raise `Misconfigured` if it cannot be."""
    require(Extra.PARQUET, "DATAFLOW_S3_FORMAT is 'parquet'")
    from dataflow.sinks.s3.parquet import Parquet

    return Parquet(topics)
