"""Walks over bytes from outside: the work grows with the length, whatever the bytes are.

The work is counted as CPU time, and only compared with itself: four times the input may take some
times as long, but not sixteen times.
"""

import gzip
import time
from collections.abc import Callable, Iterable

import pytest
from walks.walk import MOST, all_of

from dataflow.engine.json_members import end_of_nested
from dataflow.sinks.csv_lines import without_formula
from dataflow.sources.body_events import elements, is_array, json_events, read_head, split_lines
from dataflow.sources.inflate import PIECE_BYTES, inflate
from dataflow.sources.journal_entries import journal_lines
from dataflow.stages.access_log import line_parser
from dataflow.stages.datastream2.values import breadcrumbs_of
from dataflow.stages.request_site import referer_of

SMALL, LARGE = 64 << 10, 256 << 10
LOGS = line_parser(None)


def body(text: bytes) -> Iterable[object]:
    """Walk as over the body of a request."""
    head, rest = read_head(iter([text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)]), 1)
    return json_events(head, rest, MOST, MOST)


WALKS: dict[str, Callable[[bytes], object]] = {
    "elements": all_of(lambda text: elements(text) if is_array(text) else ()),
    "nested": lambda text: end_of_nested(text, 0),
    "body": all_of(body),
    "lines in tiny pieces": all_of(
        lambda text: split_lines((text[at : at + 512] for at in range(0, len(text), 512)), 64 << 10)
    ),
    "journal entries": all_of(
        lambda text: journal_lines(
            iter([text[at : at + 512] for at in range(0, len(text), 512)]), 64 << 10, is_json=False
        )
    ),
    "gzip members": all_of(lambda text: inflate(gzip.compress(text[:64]) * (len(text) >> 8), "gzip", MOST)),
    "access log": all_of(lambda text: [LOGS.parse(text)]),
    "breadcrumbs": lambda text: breadcrumbs_of(text.decode("latin-1")),
    "referer": lambda text: referer_of(text.decode("latin-1")),
    "cell": lambda text: without_formula(text.decode("latin-1")),
}
WORST: dict[str, Callable[[int], bytes]] = {
    "open strings": lambda size: b'[["' + b'\\"' * (size // 2),
    "open strings in an object": lambda size: b'[{"a":"' + b'\\"' * (size // 2),
    "brackets": lambda size: b"[" * size,
    "braces": lambda size: b'[{"a":' * (size // 6),
    "quotes": lambda size: b"[" + b'"' * size,
    "commas": lambda size: b"[" + b"," * size,
    "spaces": lambda size: b" " * size + b"[",
    "names of columns": lambda size: b"#Fields: date time" + b" a" * (size // 2),
    "backslashes": lambda size: b'["' + b"\\" * size,
    "tiny elements": lambda size: b"[" + b"1," * (size // 2),
    "line feeds": lambda size: b"\n" * size,
    "journal fields": lambda size: b"A\n\0\0\0\0\0\0\0\0\n" * (size // 11),
    "a journal field of any size": lambda size: b"A\n" + b"\xff" * size,
    "a crumb without a sign": lambda size: b"//BC/[" + b"a" * size + b"]",
    "passwords without an end": lambda size: b"http://" + b"a@" * (size // 2) + b":",
    "cells": lambda size: b";=" * (size // 2),
    "a long line": lambda size: b"a" * size,
    "a front without an end": lambda size: b"a " * (size // 2) + b"[",
    "a list of addresses": lambda size: b"1.1.1.1, " * (size // 9) + b'- - [17/May/2015:10:05:03 +0000] "',
}


def work(walk: Callable[[bytes], object], text: bytes) -> float:
    """Return the least CPU time of three."""
    took = []
    for _ in range(3):
        begun = time.process_time()
        walk(text)
        took.append(time.process_time() - begun)
    return min(took)


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("worst", WORST)
def test_work_grows_with_the_length(walk: str, worst: str):
    r"""16 KB of `[["\"\"…` silenced every route for twelve seconds: each quote was tried to the end."""
    small, large = WORST[worst](SMALL), WORST[worst](LARGE)
    assert work(WALKS[walk], large) < 10 * work(WALKS[walk], small) + 0.05
