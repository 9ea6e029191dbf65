"""Lines of CSV files, of RFC 4180: nothing in them is run as a formula."""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile(r"[\t\r\n]|\s*[=+@\-\uff1d\uff0b\uff20\uff0d]")  # also as wide as a Chinese character
_AFTER_SEPARATOR = re.compile(r"(?<=[;\t\r\n])(?=\"?[=+@\-\uff1d\uff0b\uff20\uff0d])")
"""Where a spreadsheet of a country with decimal commas, which separates by semicolons, begins a cell."""
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?", re.ASCII)


def line_of(fields: Iterable[object]) -> bytes:
    """Return one line as RFC 4180 has it: CR LF at its end, quotes only where they are needed."""
    return lines_of((fields,))


def lines_of(lines: Iterable[Iterable[object]]) -> bytes:
    """Return lines, each as `line_of` does."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def without_formula(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: text that may be one gets an apostrophe."""
    if not isinstance(value, str):
        return value
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        value = f"'{value}"
    return _AFTER_SEPARATOR.sub("'", value) if _AFTER_SEPARATOR.search(value) else value
