"""Texts that are shown: escaped, masked, cut, quoted."""

from walks.walk import Walk, of_text, repeated, some

from dataflow.http_error import quoted
from dataflow.masking import masked
from dataflow.printable import printable, printable_json, printable_lines
from dataflow.sinks.csv_lines import line_of, without_formula

TEXTS = {
    "letters": repeated(b"a"),
    "escape codes": repeated(b"\x1b[1m"),
    "line feeds": repeated(b"\n\t"),
    "cells": repeated(b";="),
    "formulas": repeated(b" ", b"", b"="),
    "digits": repeated(b"1,", b"+", b"x"),
    "quotes": repeated(b'"'),
    "users": repeated(b"://a", b"", b"@"),
    "signs": repeated(b"@", b"://"),
    "secrets": repeated(b"?token"),
    "parameters": repeated(b"a.", b"?"),
}
SHOWN = {
    "printable": Walk(of_text(printable), some(TEXTS, "letters", "escape codes")),
    "printable lines": Walk(of_text(printable_lines), some(TEXTS, "line feeds")),
    "printable JSON": Walk(of_text(printable_json), some(TEXTS, "line feeds")),
    "masked": Walk(of_text(masked), some(TEXTS, "letters", "users", "signs", "secrets", "parameters")),
    "quoted": Walk(of_text(quoted), some(TEXTS, "quotes")),
    "cell": Walk(of_text(without_formula), some(TEXTS, "cells", "formulas", "digits")),
    "CSV line": Walk(of_text(lambda text: line_of([text])), some(TEXTS, "quotes", "line feeds")),
}
