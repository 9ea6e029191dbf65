"""Bodies of requests: taken apart, unpacked, sorted."""

import gzip
import zlib
from collections.abc import Iterable
from itertools import chain

import msgspec
from walks.walk import MOST, Walk, all_of, in_pieces, repeated, tolerant, zstd

from dataflow.catalogue.declared import INGESTED
from dataflow.engine.json_members import end_of_nested, take_apart
from dataflow.sources.body_events import elements, is_array, is_ping, json_events, read_head, split_lines
from dataflow.sources.element_end import end_of_brackets, end_of_scalar
from dataflow.sources.inflate import PIECE_BYTES, inflate
from dataflow.sources.journal_entries import journal_lines
from dataflow.sources.record_lines import begins_in_records, record_lines
from dataflow.sources.sorting import Sorter
from dataflow.web.body import read_json_body

LINE_BYTES = 1 << 20


class AskedFor(msgspec.Struct):
    """A body with one field."""

    limit: int | None = None


def body(raw: bytes) -> Iterable[object]:
    """Walk as over the body of a request."""
    is_ping(raw)
    return json_events(*read_head(iter(list(in_pieces(raw, PIECE_BYTES))), PIECE_BYTES), LINE_BYTES, MOST)


def lines(raw: bytes) -> Iterable[object]:
    """Walk over lines that come in small pieces."""
    return split_lines(in_pieces(raw, 512), LINE_BYTES)


def journal(raw: bytes) -> Iterable[object]:
    """Walk over an export of a journal that comes in small pieces."""
    return journal_lines(iter(list(in_pieces(raw, 512))), LINE_BYTES, is_json=False)


def records(raw: bytes) -> Iterable[object]:
    """Walk over objects in an array that comes in small pieces."""
    assert begins_in_records(raw[:100])
    return record_lines(iter(list(in_pieces(raw, 512))), LINE_BYTES)


def sort(raw: bytes) -> None:
    """Sort an event that is very long, and many short ones."""
    for name in ("cdn-logs", "access-logs"):
        for events in ([raw], raw.split(b"\n")[:2_000]):
            sorter = Sorter(INGESTED[name], [], 0, MOST, 1_000, ("a", "b"))
            sorter.sort(events)


SPACES = {
    "spaces": repeated(b" ", b"{", b"}"),
    "spaces behind a member": repeated(b" ", b'{"a":1', b"}"),
    "spaces before a colon": repeated(b" ", b'{"a"', b":1}"),
    "members": repeated(b'"a":1,', b"{", b'"b":1}'),
    "escapes in a name": repeated(b"\\\\", b'{"', b'":1}'),
}
ARRAYS = {
    "open strings": repeated(b'\\"', b'[["'),
    "open strings in an object": repeated(b'\\"', b'[{"a":"'),
    "brackets": repeated(b"["),
    "braces": repeated(b'{"a":', b"["),
    "quotes": repeated(b'"', b"["),
    "commas": repeated(b",", b"["),
    "spaces": repeated(b" ", b"", b"["),
    "tiny elements": repeated(b"1,", b"["),
    "backslashes": repeated(b"\\", b'["'),
}
STREAMS = {
    "empty ones": lambda size: gzip.compress(b"") * (size // 20),
    "of a byte": lambda size: gzip.compress(b"a") * (size // 21),
    "spread": lambda size: gzip.compress(b"a" * size) + gzip.compress(b"a") * 4_000,
}
BODIES = {
    "elements": Walk(all_of(lambda raw: elements(raw) if is_array(raw) else ()), ARRAYS),
    "nested": Walk(lambda raw: end_of_nested(raw, 0), ARRAYS),
    "an element in steps": Walk(
        all_of(lambda raw: chain(end_of_scalar(raw, 0), end_of_brackets(raw, 0))),
        {**ARRAYS, "a number": repeated(b"1")},
    ),
    "members": Walk(tolerant(take_apart), SPACES),
    "body": Walk(
        all_of(body),
        {
            **ARRAYS,
            "lines": repeated(b"{}\n"),
            "an object over lines": repeated(b" ", b"{\n", b"}"),
            "a long line": repeated(b"a"),
        },
    ),
    "lines": Walk(
        all_of(lines), {"a long one": repeated(b"a"), "feeds": repeated(b"\n"), "holes": repeated(b"\0\n")}
    ),
    "journal": Walk(
        all_of(journal),
        {
            "fields": repeated(b"A\n\0\0\0\0\0\0\0\0\n"),
            "a field of any size": repeated(b"\xff", b"A\n"),
            "entries": repeated(b"MESSAGE=\n\n"),
            "fields of no interest": repeated(b"a=\n"),
            "line feeds": repeated(b"\n"),
            "a long message": repeated(b"a", b"MESSAGE="),
        },
    ),
    "records": Walk(
        all_of(records),
        {
            "objects": repeated(b"{},", b"[{},"),
            "arrays": repeated(b'{"records":[]}', b'{"records":['),
            "begins": repeated(b'{"records":[', b'{"records":['),
            "a long one": repeated(b"a", b'[{"a":"'),
            "objects in one": repeated(b"{},", b'[{"a":'),
            "braces": repeated(b'{"a":', b'[{"a":'),
            "spaces": repeated(b" ", b'{"records":['),
            "streams": repeated(b'{"stream":{},"values":[["1",""]]},', b'{"streams":['),
            "beside entries": repeated(b'"owner":"a",', b'{"streams":[],'),
            "a long one beside them": repeated(b"a", b'{"streams":[],"owner":"'),
            "a deep resource": repeated(b'{"a":', b'{"streams":[{"resource":'),
            "objects of a resource": repeated(b"{},", b'{"streams":[{"resource":['),
            "objects and a long one": lambda size: b"[" + b"{}," * (size // 3) + b'{"' + b"a" * size,
        },
    ),
    "gzip": Walk(all_of(lambda raw: split_lines(inflate(raw, "gzip", MOST), LINE_BYTES)), STREAMS),
    "deflate": Walk(
        all_of(lambda raw: inflate(raw, "deflate", MOST)),
        {
            "empty ones": lambda size: zlib.compress(b"") * (size // 8),
            "one": lambda n: zlib.compress(b"a" * n),
        },
    ),
    "zstd": Walk(
        all_of(lambda raw: inflate(raw, "zstd", MOST)),
        {
            "empty ones": lambda size: zstd.compress(b"") * (size // 9),
            "skipped ones": repeated(b"\x50\x2a\x4d\x18\0\0\0\0"),
            "empty blocks": repeated(b"\0\0\0", b"\x28\xb5\x2f\xfd\0\x58"),
        },
    ),
    "sorting": Walk(
        tolerant(sort),
        {
            "digits": repeated(b"1", b'{"a":', b"}"),
            "nines of an exponent": repeated(b"9", b'{"a":1e', b"}"),
            "braces": repeated(b'{"a":'),
            "garbage": repeated(b"\xff\n"),
            "values": repeated(b"a "),
        },
    ),
    "JSON of a request": Walk(
        tolerant(lambda raw: read_json_body(raw, AskedFor)),
        {
            "unknown fields": repeated(b'"a":1,', b"{", b'"b":1}'),
            "one field": repeated(b'"limit":1,', b"{", b'"limit":1}'),
            "digits": repeated(b"1", b'{"limit":', b"}"),
            "brackets": repeated(b"[", b'{"limit":'),
        },
    ),
}
