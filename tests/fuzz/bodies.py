"""Bodies of requests: taken apart as the receiver does, in one stream or several, short or very long."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable

from dataflow.catalogue.declared import INGESTED
from dataflow.catalogue.stream import Stream
from dataflow.http_error import HttpError
from dataflow.sources.body_events import ArrayFault, json_events, read_head, split_lines
from dataflow.sources.inflate import MOST_STREAMS, PIECE_BYTES, inflate

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST_LINE_BYTES, MOST_BYTES = 1_000, 1 << 20
LONG_BYTES = 80 << 10
"""More than one piece: what begins in one ends in another."""
PREFIX_BYTES = 16

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda part: gzip.compress(part, 1),
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}

Taken = tuple[list[bytes], bytes]
"""The events of a body, and what follows where it goes wrong."""


def taken(stream: Stream, pieces: Iterable[bytes]) -> Taken:
    """Take the pieces of a body apart; what is refused has no events."""
    events: list[bytes] = []
    try:
        if not stream.is_json:
            for lines in split_lines(pieces, MOST_LINE_BYTES):
                events += lines
            return events, b""
        for some in json_events(*read_head(iter(pieces), PIECE_BYTES), MOST_LINE_BYTES, MOST_BYTES):
            events += some
    except ArrayFault as fault:
        return events, fault.rest
    except HttpError as error:
        return [], str(error).encode()
    return events, b""


def request(raw: bytes) -> None:
    """Send a body packed as one stream, and as several behind one another: its events are the same."""
    if len(raw) < 2:
        return
    encoding, text = list(PACKERS)[raw[0] % len(PACKERS)], raw[2:]
    size = max(raw[1] + 1, -(-len(text) // MOST_STREAMS))  # a body of more streams is refused whole
    pack = PACKERS[encoding]
    packed = b"".join(pack(text[at : at + size]) for at in range(0, len(text), size))
    for stream in INGESTED.values():
        plain = taken(stream, [text])
        assert taken(stream, inflate(packed, encoding, MOST_BYTES)) == plain
        assert taken(stream, inflate(pack(text), encoding, MOST_BYTES)) == plain


def long_request(raw: bytes) -> None:
    """Send a body that begins with some bytes and then repeats others: slow where a walk is not linear."""
    begin, unit = raw[:PREFIX_BYTES], raw[PREFIX_BYTES:]
    if unit:
        text = begin + unit * (LONG_BYTES // len(unit))
        for stream in INGESTED.values():
            taken(stream, inflate(text, "", MOST_BYTES))


def repeated_streams(raw: bytes) -> None:
    """Send a packed stream, or what looks like one, many times behind itself."""
    for encoding, pack in PACKERS.items():
        for unit in (raw, pack(raw[:PREFIX_BYTES])):
            if unit:
                packed = unit * (LONG_BYTES // len(unit))
                taken(next(iter(INGESTED.values())), inflate(packed, encoding, MOST_BYTES))
