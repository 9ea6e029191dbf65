"""Patterns: the parts of a format in, a regular expression for each out."""

import re
from collections.abc import Sequence

from dataflow.stages.access_log.directives import Part


def patterns_of(parts: Sequence[Part], *, escapes: bool) -> list[str]:
    """Return the pattern of each part; those of directives are groups."""
    return [
        re.escape(part)
        if isinstance(part, str)
        else f"({part[1].pattern or _text(_end_of_text(parts[number:], escapes), escapes, part[1].is_list)})"
        for number, part in enumerate(parts, 1)
    ]


def _end_of_text(following: Sequence[Part], escapes: bool) -> tuple[str, str]:
    """Return the first character behind a text, and the pattern of what follows that.

    A client may write whatever stands between two fields into one of them, but not a quotation mark, which
    the server escapes. So all is looked for up to the next one, as long as its form is known.
    """
    if not following or not isinstance(following[0], str):
        return "", ""
    first, patterns = following[0][0], [following[0][1:], *following[1:]]
    if escapes and first == '"':
        return first, re.escape(following[0][1:])
    found = ""
    for part in patterns:
        if isinstance(part, str):
            text, quote, _ = part.partition('"') if escapes else (part, "", "")
            found += re.escape(text + quote)
            if quote:
                return first, found
        elif part[1].pattern is None or not part[1].is_bounded:
            return first, found
        else:
            found += f"(?:{part[1].pattern})"
    return first, found + r"[ \t]*+\Z"


def _text(end: tuple[str, str], escapes: bool, is_list: bool) -> str:
    """Return the pattern of any text up to `end`; it looks at each character once.

    Of a list a space behind a comma is no end.
    """
    if not end[0]:
        return ".*+"
    first, rest = re.escape(end[0]), end[1]
    backslash = r"\\" if escapes and end[0] != "\\" else ""
    others = [rf"{first}(?!{rest})"] if rest else []
    others += [r"(?<=,)\ "] if is_list and end[0] == " " else []
    others += [r"\\.?+"] if backslash else []
    plain = f"[^{first}{backslash}]*+"
    return f"{plain}(?:(?:{'|'.join(others)}){plain})*+" if others else plain
