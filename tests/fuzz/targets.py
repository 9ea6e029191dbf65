"""Targets: any bytes in; nothing out, or an AssertionError of what must hold for them.

`TARGETS` has all of them by name, and each has its seeds in `seeds.py`. Hypothesis feeds them in the
tests, atheris in `fuzz_stages.py`. Import it with DATAFLOW_BROKER set to anything: nothing is connected.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise

import msgspec
import orjson
from fuzz.bodies import long_request, repeated_streams, request
from fuzz.flows import AGENTS, flow, use_documents

from dataflow.catalogue.declared import INGESTED
from dataflow.demo.samples import sample_events
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.http_error import HttpError
from dataflow.sources.body_events import ArrayFault, elements, is_array, json_events, read_head, split_lines
from dataflow.sources.inflate import PIECE_BYTES, inflate
from dataflow.sources.sorting import Sorter, sender_headers
from dataflow.stages.access_log import line_stage as access_log_line_stage
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.filter_document import read_document
from dataflow.stages.filter_dry_run import try_rules
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES, read_utm_sources
from dataflow.stages.user_agent import user_agent_of
from models.access_log_entry import AccessLogEntry

FORMATS = (
    '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
    "[$time_iso8601] $remote_addr:$remote_port $uri$is_args$args $status $request_time",
    'log_format j escape=json \'{"t":"$msec","r":"$request","u":"$http_user_agent"}\';',
    "%h [%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] %m %U%q %H %D",
)
RULES = b"""{"rules": [
    {"name": "bots", "drop": {"any": [
        {"field": "UA", "search": "(?i)bot|(a+)+$", "decoded": true},
        {"all": [
            {"field": "statusCode", "at_least": 500},
            {"not": {"field": "reqPath", "matches": "/?api/.*"}}
        ]}
    ]}},
    {"name": "deep", "keep": {"field": "a.b", "present": false}},
    {"fieldName": "reqPath", "regex": "/?favicon\\\\.ico"}
]}"""
SOURCES = DEFAULT_UTM_SOURCES.read_bytes()
LONGEST_FORMAT = 300
LIST_OF_RULES = b"""[
    {"name": "bots", "fieldName": "UA", "regex": ".*bot.*"},
    {"fieldName": "reqPath", "regex": "/?favicon.*"},
    {"fieldName": "bytes", "regex": ".+", "include": true}
]"""
MOST_LINE_BYTES, MOST_INFLATED_BYTES = 1_000, 1 << 20
STRUCTURED_FIELDS = ("cp", "reqId", "UA")
ACCESS_LOG_FIELDS = list(AccessLogEntry.__annotations__)
CDN_LINES = sample_events("cdn-logs")[:50]

use_documents(RULES, SOURCES)
_is_json = msgspec.json.Decoder(msgspec.Raw).decode  # unlike orjson it takes a number of 400 digits
_stages = [access_log_line_stage(written, None, None) for written in (None, *FORMATS)]


def access_log(raw: bytes) -> None:
    """Read a line by every format: one line of JSON with all fields, a dead letter, or a comment."""
    for stage in _stages:
        with suppress(InvalidEvent):
            for line in stage(raw):
                assert list(json.loads(line))[: len(ACCESS_LOG_FIELDS)] == ACCESS_LOG_FIELDS


def log_format(raw: bytes) -> None:
    """Compile the first line as a format, and read the rest by it."""
    written, _, line = raw.partition(b"\n")
    with suppress(Misconfigured, InvalidEvent):
        # A directive more costs more than the one before: some hundred of them are no attack, but slow.
        compile_format(written[:LONGEST_FORMAT].decode(errors="replace")).parse(line)


def user_agent(raw: bytes) -> None:
    """Tell the device of a user agent."""
    assert user_agent_of(raw.decode(errors="replace")).ua_device in ("mobile", "tablet", "pc", "other")


def rules(raw: bytes) -> None:
    """Read a rule document, and run it if it is one: every line is kept, dropped or dead-lettered."""
    with suppress(Misconfigured):
        read = read_document(raw, "rules")
        assert read.judge(CDN_LINES) == list(map(read.dropped_by, CDN_LINES))
        trial = try_rules(read, [*CDN_LINES, raw, None], lambda: True)
        ends = trial.kept + sum(trial.dropped.values()) + sum(trial.dead_lettered.values())
        assert trial.lines == ends == len(CDN_LINES) + 2


def sources(raw: bytes) -> None:
    """Read UTM sources; a name is there once, whatever its case."""
    with suppress(Misconfigured):
        assert all(name == name.strip().casefold() for name in read_utm_sources(raw, "sources"))


def array(raw: bytes) -> None:
    """Take a JSON array apart: nothing but commas and space is lost, and a whole one has all elements."""
    if not is_array(raw):
        return
    found: list[bytes] = []
    rest = b""
    try:
        found.extend(elements(raw))
    except ArrayFault as fault:
        rest = fault.rest
    assert all(element in raw for element in found)
    assert raw.endswith(rest)
    with suppress(orjson.JSONDecodeError):
        assert len(orjson.loads(raw)) == len(found)


def packed(raw: bytes) -> None:
    """Unpack a body by every encoding: bounded pieces, a bounded sum, or a refusal."""
    for encoding in ("", "gzip", "deflate", "zstd"):
        size = 0
        with suppress(HttpError):
            for piece in inflate(raw, encoding, MOST_INFLATED_BYTES):
                size += len(piece)
                assert len(piece) <= PIECE_BYTES  # an empty one lets others have their turn
        assert size <= MOST_INFLATED_BYTES


def body(raw: bytes) -> None:
    """Take the body of a request: each of its events is accepted or dead-lettered."""
    for name, stream in INGESTED.items():
        sorter = Sorter(
            stream,
            sender_headers("203.0.113.9", "198.51.100.7"),
            now_ms=0,
            most_bytes=MOST_LINE_BYTES,
            most_dead_bytes=2 * MOST_LINE_BYTES,
            structured_fields=STRUCTURED_FIELDS,
        )
        events = _events(raw, sorter, is_json=stream.is_json)
        refused = len(sorter.done.dead)  # the rest of an array that goes wrong
        sorter.sort(events)
        done = sorter.take()
        assert len(done.good) + len(done.dead) == len(events) + refused, name
        # The hole of NULs that a truncated file leaves in front of a line is no part of it.
        lines = [line for line in (each.lstrip(b"\0") for each in raw.split(b"\n")) if line.strip()]
        if not stream.is_json or (not is_array(raw) and len(events) > 1):
            assert len(events) == len(lines), name
        elif not is_array(raw):
            assert len(events) == bool(lines), name


def _events(raw: bytes, sorter: Sorter, *, is_json: bool) -> list[bytes]:
    events: list[bytes] = []
    if not is_json:
        return [line for lines in split_lines([raw], sorter.most_dead_bytes) for line in lines]
    try:
        for some in json_events(*read_head(iter([raw]), PIECE_BYTES), sorter.most_dead_bytes, 1 << 20):
            events += some
    except ArrayFault as fault:
        sorter.reject(fault.rest, fault)
    return events


def _flow(topic: str, by_rules: bytes = RULES) -> Callable[[bytes], None]:
    def lines(raw: bytes) -> None:
        """Give the lines to the agent: each is sent and counted, dropped, or dead-lettered."""
        came = [None, *raw.split(b"\n")]
        if topic == "cdn-logs":
            use_documents(by_rules, SOURCES)
        flowed = flow(topic, came)
        sent, event_counts = flowed.event_counts.sent, flowed.event_counts
        assert event_counts.received == len(came)
        assert event_counts.received == sent + sum(event_counts.dropped.values()) + sum(
            event_counts.dead_lettered.values()
        )
        dead = flowed.outputs.pop("dead-letters", [])
        assert len(dead) == sum(event_counts.dead_lettered.values())
        for name, values in flowed.outputs.items():
            assert len(values) == sent, name
            for value in values:
                assert value is not None
                _is_json(value)
        for one, other in pairwise([sent, *flowed.counted.values()]):
            assert one == other, flowed.counted

    return lines


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "access-log": access_log,
    "log-format": log_format,
    "user-agent": user_agent,
    "rules": rules,
    "utm-sources": sources,
    "array": array,
    "packed": packed,
    "body": body,
    "request": request,
    "long request": long_request,
    "repeated streams": repeated_streams,
    **{f"agent:{topic}": _flow(topic) for topic in AGENTS},
    "agent:cdn-logs, by a list": _flow("cdn-logs", LIST_OF_RULES),
}
