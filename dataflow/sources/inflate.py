"""Inflate: a body as received and its Content-Encoding in, pieces of bounded size out."""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from math import inf
from typing import Union

from dataflow.http_error import HttpError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 << 10

SLICE_BYTES = 16 << 10
"""A stream is given so much at once: where it ends, it copies what it has not read of that."""

MOST_STREAMS = 4_096
"""Gzip members or zstd frames of one body; each may be empty, and costs some microseconds."""

BODY_WINDOW_LOG = 23
"""A zstd body may refer back by 8 MiB, all of which is held (RFC 9659); a file by 128 MiB."""

MOST_XZ_BYTES = 128 << 20
"""Memory for one xz stream: `xz -9` takes 65 MiB."""

_ZSTD_BODY = "zstd of a body"
_GZIP = 16 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


CompressedStream = Union[
    "zlib._Decompress", zstd.ZstdDecompressor, bz2.BZ2Decompressor, lzma.LZMADecompressor  # noqa: SLF001  # it has no public name
]
"""One compressed stream; it may end (`eof`) before its bytes do (`unused_data`)."""


def inflate_stream(stream: CompressedStream, packed: bytes) -> Iterator[bytes]:
    """Yield what `packed` holds, at most `PIECE_BYTES` at a time."""
    while not stream.eof:  # behind it zlib would ask for the rest for ever
        piece = stream.decompress(packed, PIECE_BYTES)
        packed = getattr(
            stream, "unconsumed_tail", b""
        )  # zlib gives back what it has not read, others keep it
        if piece:
            yield piece
        elif not packed and getattr(stream, "needs_input", True):
            return


def _deflate(packed: bytes) -> CompressedStream:
    # Some senders leave out the zlib header that the RFC asks for; with it the first
    # byte names method 8, and raw data cannot begin like that and hold a stored block.
    return zlib.decompressobj(zlib.MAX_WBITS if packed[0] & 0x0F == 8 else _RAW_DEFLATE)


_OPENERS: dict[str, Callable[[bytes], CompressedStream]] = {
    "gzip": lambda _: zlib.decompressobj(_GZIP),
    "x-gzip": lambda _: zlib.decompressobj(_GZIP),
    "deflate": _deflate,
    "zstd": lambda _: zstd.ZstdDecompressor(),
    _ZSTD_BODY: lambda _: zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: BODY_WINDOW_LOG}
    ),
    "bzip2": lambda _: bz2.BZ2Decompressor(),
    "xz": lambda _: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_BYTES),
}
CONTENT_ENCODINGS = ("gzip", "x-gzip", "deflate", "zstd")
"""Of bodies; files may have the others, too."""

UNPACKING_ERRORS = (zlib.error, zstd.ZstdError, lzma.LZMAError, OSError)
"""What the codecs raise for broken bytes; bzip2's is an OSError."""


def open_inflater(encoding: str, begin: bytes) -> CompressedStream:
    """Return what unpacks a stream of this encoding that begins so; it raises `UNPACKING_ERRORS`."""
    return _OPENERS[encoding](begin)


def slices(whole: bytes, size: int) -> Iterable[bytes]:
    """Return consecutive parts of at most this size."""
    return (whole[at : at + size] for at in range(0, len(whole), size))


class TooManyStreams(Exception):
    """A body has more compressed streams than anybody needs."""


def unpack(
    encoding: str, packed: Iterable[bytes], padding: bytes = b"", most_streams: float = inf
) -> Iterator[bytes]:
    """Yield what compressed streams, one behind the other, hold; `padding` before one is skipped.

    An empty piece now and then lets the reader do something else. Raises `UNPACKING_ERRORS`,
    `TooManyStreams`, and EOFError where the last stream breaks off.
    """
    stream: CompressedStream | None = None
    streams = 0
    for part in (part for piece in packed for part in slices(piece, SLICE_BYTES)):
        left = part
        while left:
            if stream is None:
                left = left.lstrip(padding)
                if not left:
                    break
                streams += 1
                if streams > most_streams:
                    raise TooManyStreams
                stream = open_inflater(encoding, left)
            yield from inflate_stream(stream, left)
            left = b""
            if stream.eof:
                left, stream = stream.unused_data, None
        yield b""
    if stream is not None:
        raise EOFError("it breaks off")


def known_encoding(header: str) -> str:
    """Return the encoding that a Content-Encoding header names, "" for none; refuse others."""
    name = header.strip().lower()
    if name in ("", "identity"):
        return ""
    if name not in CONTENT_ENCODINGS:
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding is {header[:100]!r}; expected gzip, deflate, zstd or none",
        )
    return name


def inflate(packed: bytes, encoding: str, most_bytes: int) -> Iterator[bytes]:
    """Yield the body piece by piece; refuse it if it is broken (400) or passes `most_bytes` (413)."""
    seen = 0
    for piece in _unpacked(packed, encoding) if encoding else slices(packed, PIECE_BYTES):
        seen += len(piece)
        if seen > most_bytes:
            raise HttpError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"body is more than {most_bytes} bytes once unpacked; expected at most that",
            )
        yield piece


def _unpacked(packed: bytes, encoding: str) -> Iterator[bytes]:
    try:
        opened = _ZSTD_BODY if encoding == "zstd" else encoding
        yield from unpack(opened, (packed,), most_streams=MOST_STREAMS)
    except TooManyStreams:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"body has more than {MOST_STREAMS} {encoding} streams; expected one"
        ) from None
    except (EOFError, *UNPACKING_ERRORS) as error:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"body is not {encoding}: {error}; expected what Content-Encoding says"
        ) from error
