"""Unpacking: what a producer has packed in; the same bytes, of which there may be only so many, out.

A broker has unpacked it before, by Kafka's own codecs; what they let pass, these do, too.
"""

import sys
import zlib
from collections.abc import Callable
from struct import Struct, error
from typing import Final, Union

import cramjam

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SLICE_BYTES: Final = 16 << 10
"""A stream is given so much at once: where it ends, it copies what it has not read of that."""

_Stream = Union["zlib._Decompress", zstd.ZstdDecompressor]  # it has no public name


MOST_PARTS: Final = 4_096
"""Streams, or blocks of snappy, of one record batch: each may be empty, and costs up to 30 µs."""


class TooLarge(Exception):
    """It unpacks to more than is allowed."""


UNPACKING_ERRORS = (
    TooLarge, zlib.error, zstd.ZstdError, cramjam.DecompressionError, error, EOFError, ValueError, LookupError
)  # fmt: skip
"""What `unpack` raises for bytes that it cannot unpack."""


def unpack(codec: int, packed: memoryview, out: bytearray, most: int) -> None:
    """Put what is packed by a codec, as the attributes of a record batch name it, behind `out`.

    Raises one of `UNPACKING_ERRORS`, `TooLarge` as soon as `out` has more than `most` bytes.
    """
    _CODECS[codec](packed, out, most)


def _streams(
    make: Callable[[], _Stream], magic: bytes, packed: memoryview, out: bytearray, most: int
) -> None:
    """Read one stream after the other, up to what does not begin with `magic`, if there is one."""
    stream: _Stream | None = None
    made = 0
    for at in range(0, len(packed), SLICE_BYTES):
        part = bytes(packed[at : at + SLICE_BYTES])
        while part:
            if stream is None:
                if made and magic and not magic.startswith(part[: len(magic)]):
                    return
                stream, made = make(), _counted(made)
            out += stream.decompress(part, most - len(out) + 1)
            _check(out, most)
            part, stream = (stream.unused_data, None) if stream.eof else (b"", stream)
    if stream is not None:
        raise EOFError("it breaks off")


def _gzip(packed: memoryview, out: bytearray, most: int) -> None:
    _streams(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), b"\x1f\x8b", packed, out, most)


def _zstd(packed: memoryview, out: bytearray, most: int) -> None:
    _streams(zstd.ZstdDecompressor, b"", packed, out, most)


_XERIAL: Final = b"\x82SNAPPY\0"  # magic, then two versions; after it lengths and blocks
_XERIAL_BYTES: Final = 16
_BIG_ENDIAN: Final = Struct(">i")


def _snappy(packed: memoryview, out: bytearray, most: int) -> None:
    if bytes(packed[: len(_XERIAL)]) != _XERIAL:
        _snappy_block(packed, out, most)
        return
    at, blocks = _XERIAL_BYTES, 0
    while at + _BIG_ENDIAN.size <= len(packed):
        if bytes(packed[at : at + len(_XERIAL)]) == _XERIAL:  # another stream behind the first
            at += _XERIAL_BYTES
            continue
        (size,) = _BIG_ENDIAN.unpack_from(packed, at)
        at += _BIG_ENDIAN.size
        if not 0 <= size <= len(packed) - at:
            raise ValueError(f"a snappy block has {size} bytes; expected at most {len(packed) - at}")
        _snappy_block(packed[at : at + size], out, most)
        at, blocks = at + size, _counted(blocks)


def _snappy_block(block: memoryview, out: bytearray, most: int) -> None:
    raw = bytes(block)
    if len(out) + cramjam.snappy.decompress_raw_len(raw) > most:
        raise TooLarge
    out += cramjam.snappy.decompress_raw(raw)


_LZ4_HEAD: Final = Struct("<IBB")  # magic, flags, sizes of blocks
_LZ4_MAGIC: Final = 0x184D2204
_LITTLE_ENDIAN: Final = Struct("<I")
_IS_PLAIN: Final = 1 << 31
_HAS_BLOCK_CHECKSUMS, _HAS_SIZE, _IS_INDEPENDENT, _VERSION_1 = 0x10, 0x08, 0x20, 0x40


def _lz4(packed: memoryview, out: bytearray, most: int) -> None:
    """Read one frame, as Kafka does: checksums are not looked at, nor what is behind its end."""
    magic, flags, sizes = _LZ4_HEAD.unpack_from(packed)
    if magic != _LZ4_MAGIC or flags & 0xE0 != _IS_INDEPENDENT | _VERSION_1:
        raise ValueError("it has no LZ4 frame of independent blocks")
    block = bytearray(1 << 8 + 2 * (sizes >> 4 & 7))
    at = _LZ4_HEAD.size + 1 + (8 if flags & _HAS_SIZE else 0)
    while size := _LITTLE_ENDIAN.unpack_from(packed, at)[0] & ~_IS_PLAIN:
        is_plain = packed[at + 3] & 0x80
        at += _LITTLE_ENDIAN.size
        part = packed[at : at + size]
        if is_plain:
            out += part
        else:
            written = cramjam.lz4.decompress_block_into(bytes(part), block, output_len=len(block))
            out += memoryview(block)[:written]
        _check(out, most)
        at += size + (4 if flags & _HAS_BLOCK_CHECKSUMS else 0)


def _counted(parts: int) -> int:
    if parts == MOST_PARTS:
        raise ValueError(f"it has more than {MOST_PARTS} streams or blocks")
    return parts + 1


def _check(out: bytearray, most: int) -> None:
    if len(out) > most:
        raise TooLarge


_CODECS: Final[dict[int, Callable[[memoryview, bytearray, int], None]]] = {
    1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd
}  # fmt: skip
