"""Parquet: reads a file as JSON objects, one a line; it needs pyarrow."""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

from dataflow.extras import Extra, is_installed, the_extra
from dataflow.inputs.input import Pieces, UnreadableInput
from dataflow.inputs.json_objects import json_objects

ROWS_AT_ONCE = 1_000


def parquet_lines(path: str, pieces: Pieces) -> Pieces:
    """Yield the rows; the file is copied to a temporary one first, as its index is at its end."""
    if not is_installed(Extra.PARQUET):
        raise UnreadableInput(f"{path} is a Parquet file; expected {the_extra(Extra.PARQUET)}")
    import pyarrow  # noqa: ICN001
    from pyarrow import parquet

    with TemporaryFile() as copy:
        for piece in pieces:
            copy.write(piece)
        try:
            yield from json_objects(_rows(parquet, copy))
        except (pyarrow.ArrowException, OSError, TypeError, ValueError) as error:
            raise UnreadableInput(f"{path} is broken Parquet ({error}); expected a whole file") from error


def _rows(parquet: "object", copy: IO[bytes]) -> Iterator[object]:
    with parquet.ParquetFile(copy) as file:  # type: ignore[attr-defined]
        for batch in file.iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()
