"""Unpacker: what an input holds, through all its packings, as lines of text."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain
from typing import Final

from dataflow.inputs.archives import Members, tar_members, zip_members
from dataflow.inputs.avro import avro_lines
from dataflow.inputs.input import Pieces, UnreadableInput
from dataflow.inputs.kinds import MAGIC_BYTES, STREAMS, kind_of, unread_kind_of
from dataflow.inputs.line_parts import begins_in_parts, joined_parts
from dataflow.inputs.parquet import parquet_lines
from dataflow.inputs.streams import unpacked_stream
from dataflow.inputs.text import LOOKED_AT, as_utf8, encoding_of, is_text
from dataflow.sources.journal_entries import BEGIN as JOURNAL
from dataflow.sources.journal_entries import journal_lines
from dataflow.sources.record_lines import begins_in_records, record_lines

MOST_LAYERS: Final = 4
"""A gzip in a tar in a zip is three; what has more is made to be a bomb."""

LONGEST_LINE: Final = 4 << 20
"""A line is held back up to this size."""

EXPECTED: Final = "expected lines of text, plain or in gzip, zstd, bzip2, xz, tar or zip"

_MEMBERS: Final = {"tar": tar_members, "zip": zip_members}
_RECORDS: Final = {
    "avro": ("an Avro container", avro_lines),
    "parquet": ("a Parquet file", parquet_lines),
}


class Unpacker:
    """Takes packings off, and refuses by its name what cannot be read."""

    def __init__(self, *, may_be_records: bool, are_lines_json: bool) -> None:
        self.is_packed = False
        """Whether the outermost layer is a packing."""
        self._may_be_records = may_be_records
        self._are_lines_json = are_lines_json

    def unpacked(self, path: str, pieces: Pieces, layers: int = 0) -> Pieces:
        """Return the lines of a file; raises `UnreadableInput` for no text, and where it is damaged."""
        head, rest = _ahead(pieces, MAGIC_BYTES)
        kind, whole = kind_of(head), chain((head,), rest)
        if not layers:
            self.is_packed = kind is not None
        if layers >= MOST_LAYERS and kind is not None:
            raise UnreadableInput(f"{path} is packed more than {MOST_LAYERS} times; {EXPECTED}")
        if kind in STREAMS.values():
            return self.unpacked(path, unpacked_stream(path, str(kind), whole), layers + 1)
        if kind in _MEMBERS:
            return self._joined(_MEMBERS[kind](path, whole), layers + 1)
        if kind not in _RECORDS:
            return self._text(path, head, rest)
        name, lines = _RECORDS[kind]
        if not self._may_be_records:
            raise UnreadableInput(f"{path} is {name}; expected lines of text")
        return lines(path, whole)

    def _text(self, path: str, head: bytes, rest: Pieces) -> Pieces:
        if head.startswith(JOURNAL):
            return journal_lines(chain((head,), rest), LONGEST_LINE, is_json=self._are_lines_json)
        lines = _text(path, head, rest)
        return lines if self._are_lines_json else _records_apart(lines)

    def _joined(self, members: Members, layers: int) -> Pieces:
        """Yield the lines of all files of an archive, each from a new line on; then raise the first fault."""
        errors: list[UnreadableInput] = []
        for path, pieces in members:
            try:
                yield from _whole_lines(self.unpacked(path, pieces, layers))
            except UnreadableInput as error:
                errors.append(error)
        if errors:
            raise errors[0]


def _whole_lines(pieces: Pieces) -> Pieces:
    """Yield lines with a line feed each; where reading fails the last one, which breaks off, is left out."""
    begun = bytearray()
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        begun += piece[:end] if end else piece
        if end or len(begun) > LONGEST_LINE:
            yield bytes(begun)
            begun = bytearray(piece[end:] if end else b"")
    if begun:
        yield bytes(begun) + b"\n"


def _text(path: str, head: bytes, rest: Pieces) -> Pieces:
    unread = unread_kind_of(path, head)
    encoding = encoding_of(head)
    pieces = chain((head,), rest) if head else rest
    if encoding:
        head, rest = _ahead(as_utf8(pieces, encoding), LOOKED_AT)
    else:
        head, rest = _ahead(pieces, LOOKED_AT)
    if not is_text(head, seems_packed=unread is not None):
        raise UnreadableInput(f"{path} is {unread or 'no text'}; {EXPECTED}")
    if begins_in_parts(head):
        return joined_parts(chain((head,), rest))
    return chain((head,), rest) if head else rest


def _records_apart(pieces: Pieces) -> Pieces:
    """Return the lines; of JSON arrays their objects, one a line."""
    begin = next(pieces, b"")
    head = begin.removeprefix(BOM_UTF8)
    if begins_in_records(head):
        return record_lines(chain((head,), pieces), LONGEST_LINE)
    return chain((begin,), pieces)


def _ahead(pieces: Pieces, size: int) -> tuple[bytes, Pieces]:
    """Return the first bytes, and what follows; damage among them is told behind them."""
    head = bytearray()
    try:
        for piece in pieces:
            head += piece
            if len(head) >= size:
                break
    except UnreadableInput as error:
        return bytes(head), _failing(error)
    return bytes(head), pieces


def _failing(error: UnreadableInput) -> Iterator[bytes]:
    yield b""
    raise error
