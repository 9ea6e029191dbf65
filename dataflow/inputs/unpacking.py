"""Unpacking: the content of an input, unpacked in pieces of bounded size.

The format is detected from the first bytes: gzip, zstd or an Avro container; others are lines.
"""

from itertools import chain

from dataflow.inputs.avro import AVRO_MAGIC, json_lines
from dataflow.inputs.input import Input, Pieces, UnreadableInput
from dataflow.sources.body_events import read_head
from dataflow.sources.inflate import UNPACKING_ERRORS, unpack

MAGIC_BYTES = 4
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
"""Follows a byte whose upper half is 5."""


class InputContent:
    """The unpacked content of an input: lines of text."""

    def __init__(self, source: Input, *, may_be_avro: bool) -> None:
        self.is_packed = False
        """Packed inputs are complete: their last line is not being written."""
        self.stored_bytes = 0
        """How many of its stored bytes were read."""
        self._source = source
        self._may_be_avro = may_be_avro

    def pieces(self) -> Pieces:
        """Yield the content; raises `UnreadableInput` where it is truncated or broken."""
        head, rest = read_head(self._stored(), MAGIC_BYTES)
        encoding = _encoding_of(head)
        if encoding:
            head, rest = read_head(_unpacked(self._source.path, encoding, chain((head,), rest)), MAGIC_BYTES)
        is_avro = head.startswith(AVRO_MAGIC)
        self.is_packed = bool(encoding) or is_avro
        whole = chain((head,), rest) if head else rest
        if not is_avro:
            return whole
        if not self._may_be_avro:
            raise UnreadableInput(f"{self._source.path} is an Avro container; expected lines of text")
        return json_lines(self._source.path, whole)

    def _stored(self) -> Pieces:
        self.stored_bytes = 0
        for piece in self._source.open():
            self.stored_bytes += len(piece)
            yield piece


def _encoding_of(head: bytes) -> str | None:
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC) or (head[1:4] == ZSTD_SKIPPABLE and head[0] >> 4 == 5):
        return "zstd"
    return None


def _unpacked(path: str, encoding: str, packed: Pieces) -> Pieces:
    try:
        yield from unpack(encoding, packed, padding=b"\0")  # as on tapes
    except EOFError as error:
        raise UnreadableInput(f"{path} is truncated {encoding}; expected a whole file") from error
    except UNPACKING_ERRORS as error:
        raise UnreadableInput(f"{path} is broken {encoding} ({error}); expected a whole file") from error
