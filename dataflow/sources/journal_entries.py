"""Journal entries: what `journalctl -o export` writes in; each entry that has a message, as one line, out."""

from collections.abc import Callable, Iterator
from typing import Final

import orjson

from dataflow.sources.journal_fields import JournalFields

BEGIN: Final = b"__CURSOR="
"""Every export begins with it, and so does each of its entries."""

MESSAGE: Final = "MESSAGE"
_KEPT: Final = {name.encode(): name for name in ("__REALTIME_TIMESTAMP", "_HOSTNAME", MESSAGE)}


def journal_lines(pieces: Iterator[bytes], most_bytes: int, *, is_json: bool) -> Iterator[bytes]:
    """Yield the lines of each piece, of an entry that has a message each; a piece may have none.

    A line is message, host and time as `journalctl -o json` writes them; for a stream of JSON it is the
    message alone. A longer field than `most_bytes` is cut off one byte behind that. The last line has no line
    feed if the export breaks off in its entry.
    """
    lines: list[bytes] = []
    for line in _lines(pieces, most_bytes, _message if is_json else _object):
        if line:
            lines.append(line)
        else:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _lines(
    pieces: Iterator[bytes], most_bytes: int, line_of: Callable[[dict[str, str]], bytes]
) -> Iterator[bytes]:
    """Yield the line of each entry, and nothing for each piece."""
    fields, entry = JournalFields(pieces, most_bytes, _KEPT), dict[str, str]()
    while True:
        fields.skip(is_between_entries=not entry)
        field = yield from fields.next_line()
        if not field:
            if fields.is_over:
                break
            if MESSAGE in entry:
                yield line_of(entry) + b"\n"
            entry = {}
            continue
        name, is_text, value = field.partition(b"=")
        value = value if is_text else (yield from fields.next_binary())
        if name in _KEPT:
            entry[_KEPT[name]] = value.decode("utf-8", "backslashreplace")
    if MESSAGE in entry:
        yield line_of(entry)


def _object(entry: dict[str, str]) -> bytes:
    return orjson.dumps(entry)


def _message(entry: dict[str, str]) -> bytes:
    return entry[MESSAGE].replace("\n", " ").encode()
