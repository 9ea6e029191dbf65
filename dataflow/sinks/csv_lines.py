"""Lines of CSV files, of RFC 4180: nothing in them is run as a formula."""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile(r"[\t\r\n]|\s*[=+@\-\uff1d\uff0b\uff20\uff0d]")  # also as wide as a Chinese character
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?", re.ASCII)


def line_of(fields: Iterable[object]) -> bytes:
    """Return one line as RFC 4180 has it: CR LF at its end, quotes only where they are needed."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue().encode()


def without_formula(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: text that may be one gets an apostrophe."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
