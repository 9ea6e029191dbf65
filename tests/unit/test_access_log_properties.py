"""Access log lines: what holds for every input, hostile ones too."""

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import line_stage
from dataflow.stages.access_log.clients import address_of
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.usual_formats import parse
from dataflow.stages.access_log.values import request_line
from models.access_log_entry import AccessLogEntry

COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
FORMATS = {
    "apache": compile_format(COMBINED),
    "nginx": compile_format(
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent" $request_time'
    ),
    "json": compile_format(
        'log_format j escape=json \'{"t":"$time_iso8601","r":"$request","u":"$http_user_agent"}\';'
    ),
    "strftime": compile_format('%h [%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] "%m %U%q %H" %D'),
    "epoch": compile_format("$msec $http_x_forwarded_for $uri$is_args$args $upstream_response_time"),
}
STAGE = line_stage(None, None, None)

PIECES = [
    *'"\\[] ,-?:%./', "\0", "\n", "\xe9", "1.2.3.4", "::1", "-", " - - ", "[17/May/2015:10:05:03 +0000]",
    '"GET ', "/a?b", " HTTP/1.1", '" ', "200 ", "12", ' "-"', ' "Agent"', " 0.123", r"\x16\x03", r"\"",
    "a.example:80 ", "2015-05-17T10:05:03+00:00", "1431857103.606", '{"t":"', '","r":"', '","u":"', '"}',
    "17/May/2015 10:05:03",
]  # fmt: skip
lines = st.binary() | st.text().map(str.encode) | st.lists(st.sampled_from(PIECES)).map(
    lambda pieces: "".join(pieces).encode("latin-1")
)  # fmt: skip

# What a client may send; servers never see NUL in a header, and `-` is their *no value*.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(
    lambda text: text not in ("", "-")
)


def escaped(text: str) -> str:
    """Write a text as Apache does, high bytes as they are."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(escapes.get(character, character) for character in text)


@given(lines)
@example(b"")
@example(b"\xff\xfe")
def test_every_line_has_exactly_one_outcome(raw):
    """One line of JSON with all fields, a dead letter, or no request by its form; never an exception."""
    fields = list(AccessLogEntry.__annotations__)
    try:
        results = STAGE(raw)
    except InvalidEvent:
        return
    if not results:
        assert b"#" in raw or b"=" in raw
    assert [list(json.loads(line))[: len(fields)] for line in results] in ([], [fields])


@pytest.mark.parametrize("name", FORMATS)
@given(raw=lines)
def test_formats_of_servers_crash_on_no_line(name, raw):
    """A line of another format is a dead letter."""
    try:
        request = FORMATS[name].parse(raw)
    except InvalidEvent:
        return
    assert request.ts is not None


@given(
    ip=st.ip_addresses().map(str) | st.from_regex(r"[a-z][a-z0-9-]{0,20}\.example", fullmatch=True),
    at=st.datetimes().map(lambda at: at.replace(microsecond=0)),
    request=texts,
    numbers=st.tuples(
        st.integers(100, 599),
        st.none() | st.integers(0, 10**15),
        st.none() | st.decimals(0, 10_000, places=3),
    ),
    headers=st.tuples(texts, texts),
)
def test_fields_that_were_formatted_come_back(ip, at, request, numbers, headers):
    """Whatever a client sends, the line says what it was."""
    (status, size, seconds), (referer, agent) = numbers, headers
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    written = f"{at.day:02}/{months[at.month - 1]}/{at.year:04}:{at:%H:%M:%S} +0000"
    line = (
        f'{ip} - - [{written}] "{escaped(request)}" {status} {"-" if size is None else size} '
        f'"{escaped(referer)}" "{escaped(agent)}"{"" if seconds is None else f" {seconds}"}'
    )
    entry = parse(line.encode())
    assert (entry.ip, entry.status, entry.bytes) == (address_of(ip) or ip, status, size)
    assert entry.ts == f"{at.isoformat()}Z"
    assert (entry.method, entry.endpoint, entry.query, entry.protocol) == request_line(request)
    assert (entry.referer, entry.user_agent) == (referer, agent)
    assert entry.response_time_ms == (None if seconds is None else seconds * 1000)


@given(lines)
@example(b'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "-"')
def test_a_recognised_combined_line_reads_the_same_by_its_format_string(raw):
    """Two ways to read a line, one answer."""
    try:
        recognised, formatted = parse(raw), FORMATS["apache"].parse(raw)
    except InvalidEvent:
        return
    if recognised.host is None:
        assert recognised == formatted


@given(
    st.sampled_from(["GET", "POST", "PROPFIND", "get", "G", "X-Y"]),
    st.text(st.sampled_from('/?ab " \\'), max_size=8),
    st.sampled_from(["", " HTTP/1.1", " HTTP/2", " RTSP/1.0", " http/1.1", " HTTP/", " HTTP/1.1 "]),
)
def test_the_usual_request_is_taken_apart_as_every_other(method, target, protocol):
    """The pattern for lines splits what it can; `request_line` defines what is right."""
    text = f"{method} {target}{protocol}"
    line = f'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "{escaped(text)}" 200 12'
    entry = parse(line.encode())
    assert (entry.method, entry.endpoint, entry.query, entry.protocol) == request_line(text)


FRONT = '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "'
HOSTILE = {
    "quotes": '"', "backslashes": "\\", "escaped quotes": '\\"', "spaces": " ", "words": "a ",
    "commas": "1.1.1.1, ", "colons": ":", "brackets": "[", "dots": ".", "question marks": "?",
    "hexadecimal": "\\x41", "strings": ' "a"', "digits": "1", "requests": 'GET /a?b HTTP/1.1" 200 ',
    "letters": "A", "slashes": "/ HTTP/", "high": "é",
}  # fmt: skip
PREFIXES = [
    "",
    "1.2.3.4 - ",
    FRONT,
    FRONT + "GET /",
    FRONT + '-" 200 12 "',
    FRONT + '-" 200 12 "-" "',
    FRONT + '-" 200 12 ',
]


@pytest.mark.parametrize("repeated", HOSTILE.values(), ids=HOSTILE)
def test_no_line_can_make_a_pattern_hang(repeated):
    """Half a megabyte takes milliseconds; more than linear would run into the test's timeout."""
    for prefix in PREFIXES:
        raw = (prefix + repeated * (500_000 // len(repeated)) + "!").encode()
        for read in (parse, *(each.parse for each in FORMATS.values())):
            with suppress(InvalidEvent):
                read(raw)
