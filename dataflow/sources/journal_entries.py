"""Journal entries: what `journalctl -o export` writes in; each entry that has a message, as one line, out."""

from collections.abc import Iterator
from typing import Final

import orjson

BEGIN: Final = b"__CURSOR="
"""Every export begins with it, and so does each of its entries."""

MESSAGE: Final = "MESSAGE"
_KEPT: Final = {name.encode(): name for name in ("__REALTIME_TIMESTAMP", "_HOSTNAME", MESSAGE)}
_SIZE_BYTES: Final = 8


def journal_lines(pieces: Iterator[bytes], most_bytes: int, *, is_json: bool) -> Iterator[bytes]:
    """Yield the lines of each piece, of an entry that has a message each; a piece may have none.

    A line is message, host and time as `journalctl -o json` writes them; for a stream of JSON it is the
    message alone. A longer field than `most_bytes` is cut off one byte behind that. The last line has no line
    feed if the export breaks off in its entry.
    """
    line_of = _message if is_json else _object
    fields, entry, lines, seen = _Fields(pieces, most_bytes), dict[str, str](), list[bytes](), 0
    while (field := fields.next_line()) is not None:
        if not field and MESSAGE in entry:
            lines.append(line_of(entry) + b"\n")
        if not field:
            entry = {}
        else:
            name, is_text, value = field.partition(b"=")
            value = value if is_text else fields.next_binary()
            if name in _KEPT:
                entry[_KEPT[name]] = value.decode("utf-8", "backslashreplace")
        if fields.pieces_read > seen:
            yield b"".join(lines)
            lines, seen = [], fields.pieces_read
    yield b"".join([*lines, line_of(entry) if MESSAGE in entry else b""])


def _object(entry: dict[str, str]) -> bytes:
    return orjson.dumps(entry)


def _message(entry: dict[str, str]) -> bytes:
    return entry[MESSAGE].replace("\n", " ").encode()


class _Fields:
    """Reads the fields of an export: lines, and values of a length that stands before them."""

    def __init__(self, pieces: Iterator[bytes], most_bytes: int) -> None:
        self._pieces, self._kept = pieces, most_bytes + 1
        self._piece, self._at = b"", 0
        self.pieces_read = 0

    def next_line(self) -> bytes | None:
        """Return the bytes up to the next line feed, or to the end; None at the end."""
        line = bytearray()
        while self._has_more():
            end = self._piece.find(b"\n", self._at)
            self._take(line, end if end >= 0 else len(self._piece))
            if end >= 0:
                self._at += 1
                return bytes(line)
        return bytes(line) or None

    def next_binary(self) -> bytes:
        """Return the value that follows, without the line feed behind it."""
        size = int.from_bytes(self._next(_SIZE_BYTES), "little")
        value = self._next(size)
        self._next(1)
        return value

    def _next(self, size: int) -> bytes:
        value = bytearray()
        while size and self._has_more():
            end = min(len(self._piece), self._at + size)
            size -= end - self._at
            self._take(value, end)
        return bytes(value)

    def _take(self, value: bytearray, end: int) -> None:
        room = max(0, self._kept - len(value))
        value += self._piece[self._at : min(end, self._at + room)]
        self._at = end

    def _has_more(self) -> bool:
        while self._at >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._piece, self._at = piece, 0
            self.pieces_read += 1
        return True
