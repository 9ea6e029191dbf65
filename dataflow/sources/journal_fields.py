"""Journal fields: takes an export of the journal apart into its fields, whatever pieces it comes in."""

import re
from collections.abc import Collection, Generator, Iterator
from typing import Final

_SIZE_BYTES: Final = 8

Bytes = Generator[bytes, None, bytes]
"""Returns some bytes; yields nothing for each piece that it needs, so that others have a turn."""


class JournalFields:
    """Reads fields: lines, and values of a length that stands before them; skips those with other names."""

    def __init__(self, pieces: Iterator[bytes], most_bytes: int, names: Collection[bytes]) -> None:
        self._pieces, self._kept = pieces, most_bytes + 1
        self._piece, self._at = b"", 0
        self.is_over = False
        other = rb"(?!(?:%b)[=\n])[^=\n]++=[^\n]*+\n" % b"|".join(map(re.escape, names))
        self._others = re.compile(rb"(?:%b)*+" % other)
        self._others_and_ends = re.compile(rb"(?:\n|%b)*+" % other)

    def skip(self, *, is_between_entries: bool) -> None:
        """Skip, in this piece, fields with other names, and ends of entries where none has begun."""
        skipped = self._others_and_ends if is_between_entries else self._others
        match = skipped.match(self._piece, self._at)
        assert match is not None
        self._at = match.end()

    def next_line(self) -> Bytes:
        """Return the bytes up to the next line feed, or to the end."""
        line = bytearray()
        while (yield from self._has_more()):
            end = self._piece.find(b"\n", self._at)
            self._take(line, end if end >= 0 else len(self._piece))
            if end >= 0:
                self._at += 1
                break
        return bytes(line)

    def next_binary(self) -> Bytes:
        """Return the value that follows, without the line feed behind it."""
        size = int.from_bytes((yield from self._next(_SIZE_BYTES)), "little")
        value = yield from self._next(size)
        yield from self._next(1)
        return value

    def _next(self, size: int) -> Bytes:
        value = bytearray()
        while size and (yield from self._has_more()):
            end = min(len(self._piece), self._at + size)
            size -= end - self._at
            self._take(value, end)
        return bytes(value)

    def _take(self, value: bytearray, end: int) -> None:
        room = max(0, self._kept - len(value))
        value += self._piece[self._at : min(end, self._at + room)]
        self._at = end

    def _has_more(self) -> Generator[bytes, None, bool]:
        while self._at >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                self.is_over = True
                return False
            self._piece, self._at = piece, 0
            yield b""
        return True
