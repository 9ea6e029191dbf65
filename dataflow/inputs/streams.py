"""Compressed streams of inputs: what came before damage is still read."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from dataflow.inputs.input import PIECE_BYTES, Pieces, UnreadableInput
from dataflow.sources.inflate import UNPACKING_ERRORS, CompressedStream, open_inflater, slices, unpack

KEPT_BYTES: Final = 1 << 20
"""Of a stream that is damaged within its first so many bytes every byte before the damage is read."""

FED_BYTES: Final = 1 << 10


def unpacked_stream(path: str, encoding: str, packed: Pieces) -> Pieces:
    """Yield what the streams in a file hold; raises `UnreadableInput` where one is truncated or broken."""
    read = bytearray()
    size = 0
    try:
        for piece in unpack(encoding, _noted(packed, read), padding=b"\0"):  # as on tapes
            size += len(piece)
            if piece:
                yield piece
    except EOFError as error:
        raise UnreadableInput(f"{path} is truncated {encoding}; expected a whole file") from error
    except UNPACKING_ERRORS as error:
        if len(read) <= KEPT_BYTES:
            yield from _rest_before_damage(encoding, bytes(read), size)
        raise UnreadableInput(f"{path} is broken {encoding} ({error}); expected a whole file") from error


def _noted(packed: Pieces, read: bytearray) -> Pieces:
    for piece in packed:
        if len(read) <= KEPT_BYTES:
            read += piece
        yield piece


def _rest_before_damage(encoding: str, packed: bytes, skipped: int) -> Iterator[bytes]:
    """Yield what the codec had unpacked but not handed out when it met the damage.

    It hands out nothing together with an error, so this asks for a single byte at a time.
    """
    found = bytearray()
    with suppress(*UNPACKING_ERRORS):
        for piece in _byte_by_byte(encoding, packed, skipped):
            found += piece
    yield bytes(found)


def _byte_by_byte(encoding: str, packed: bytes, skipped: int) -> Iterator[bytes]:
    stream: CompressedStream | None = None
    for part in slices(packed, FED_BYTES):
        left = part
        while left or stream is not None:
            if stream is None:
                stream = open_inflater(encoding, left)
            piece = stream.decompress(left, min(PIECE_BYTES, skipped) or 1)
            left = getattr(stream, "unconsumed_tail", b"")
            if skipped:
                skipped -= len(piece)
            else:
                yield piece
            if stream.eof:
                left, stream = stream.unused_data.lstrip(b"\0"), None
            elif not piece and not left:
                break
