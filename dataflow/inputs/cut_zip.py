"""Cut zip: the files of a zip whose end is missing, and with it its index: as many as there are."""

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Final

from dataflow.inputs.input import PIECE_BYTES, Pieces, UnreadableInput

_HEADER: Final = struct.Struct("<4s2xHH4x4xI4xHH")
_FILE: Final = b"PK\x03\x04"
_INDEX: Final = b"PK\x01\x02"
_MOST_DESCRIPTOR: Final = 24
"""Bytes between a file and what follows it, where its size was not known before."""

_STORED, _DEFLATED = 0, 8
_SIZE_FOLLOWS, _IS_UTF8 = 8, 0x800
ENCRYPTED: Final = 1
"""In the flags of a file in a zip."""


def cut_zip_members(path: str, archive: IO[bytes]) -> Iterator[tuple[str, Pieces]]:
    """Yield path and content of each file from the begin on; raise `UnreadableInput` where the zip is cut."""
    while len(header := archive.read(_HEADER.size)) == _HEADER.size and header.startswith(_FILE):
        _, flags, method, size, name_bytes, extra_bytes = _HEADER.unpack(header)
        name = archive.read(name_bytes).decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace")
        archive.seek(extra_bytes, 1)
        if flags & ENCRYPTED:
            raise encrypted(path)
        if method not in (_STORED, _DEFLATED) or (not method and flags & _SIZE_FOLLOWS):
            break
        content = _inflated(path, archive) if method else _stored(path, archive, size)
        yield f"{path}!{name}", content
        for _ in content:  # what nobody wanted to read
            pass
        if flags & _SIZE_FOLLOWS:
            _to_next(archive)
    if not header.startswith(_INDEX) or len(header) < _HEADER.size:
        raise _cut(path)
    raise UnreadableInput(f"{path} is a zip with a broken index; expected a whole archive")


def _inflated(path: str, archive: IO[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof:
        packed = inflater.unconsumed_tail or archive.read(PIECE_BYTES)
        if not packed:
            raise _cut(path)
        try:
            yield inflater.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            raise UnreadableInput(f"{path} is broken zip ({error}); expected a whole archive") from error
    archive.seek(-len(inflater.unused_data), 1)


def _stored(path: str, archive: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = archive.read(min(size, PIECE_BYTES))
        if not piece:
            raise _cut(path)
        size -= len(piece)
        yield piece


def _to_next(archive: IO[bytes]) -> None:
    ahead = archive.read(_MOST_DESCRIPTOR + len(_FILE))
    found = [at for at in (ahead.find(_FILE), ahead.find(_INDEX)) if at >= 0]
    archive.seek((min(found) if found else len(ahead)) - len(ahead), 1)


def encrypted(path: str) -> UnreadableInput:
    """Return the fault of a zip with a password."""
    return UnreadableInput(f"{path} is an encrypted zip; expected one without a password")


def _cut(path: str) -> UnreadableInput:
    return UnreadableInput(f"{path} is truncated zip; expected a whole archive")
