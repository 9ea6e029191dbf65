"""Printable text: what came from outside, as a terminal or a log may show it.

Control characters, those of C1 among them, move the cursor, change titles or run what a terminal is told to.
Marks of direction show text in another order than it has, and line breaks forge lines. All of these are
escaped, as is whatever else has no glyph; nothing is left out.
"""

import json
import unicodedata

_SPACES = "Zs"  # Unicode's category; `str.isprintable` takes none of them but the ASCII space


def printable(text: str) -> str:
    r"""Return a text in one line, with ``\x1b``, ``\n`` or ``\u202e`` for what cannot be printed."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """Return a text whose lines and tabs are our own; everything else is escaped."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def printable_json(text: str) -> str:
    """Return a line of JSON that says the same, and holds only what can be printed."""
    return text if text.isprintable() else "".join(map(_escaped_in_json, text))


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == _SPACES


def _escaped(character: str) -> str:
    return character if _is_shown(character) else character.encode("unicode_escape").decode()


def _escaped_in_json(character: str) -> str:
    return character if _is_shown(character) else json.dumps(character)[1:-1]
