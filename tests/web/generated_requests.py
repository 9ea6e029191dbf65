"""Generated requests: any path, query, headers and body to some routes, and what is hardly a request."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from dataflow.web.route import Route

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
NAMES = (
    *("Content-Type", "Content-Encoding", "If-None-Match", "If-Match", "Authorization", "Cookie", "Range"),
    *("Accept", "X-Forwarded-For", "X-Forwarded-Proto", "Origin", "Referer", "Forwarded", "Expect", "Via"),
    *("Last-Event-ID", "X-Requested-With", "Sec-Fetch-Site", "If-Modified-Since", "Accept-Encoding", "Date"),
)
WORDS = (
    *(
        "",
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "9" * 4_301,
        "0x10",
        "1_0",
        "٣",
        "null",
        "[]",
        '"',
        "\\",
        "'; --",
    ),
    *("\0", "\r\nX: y", "é", "\ud800", "../..", "%", "%00", "%ff", "*", "a" * 3_000, "0/0", 'W/"1"', '"1"'),
    *(
        "2015-05-17T10:05:03Z",
        "99999-01-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        f"{'9' * 30}:0",
        "17:/a\0b",
        "-0001-01-01",
        "2015-W20",
        "today",
        "1..2",
        "stays_per_category",
    ),
    *("cdn-logs", "day", "csv", "json", "gzip", "zstd", "deflate", "identity", "text/plain", "100-continue"),
    *(
        "application/json",
        "multipart/form-data; boundary=",
        "Basic Og==",
        "Basic /w==",
        "Bearer é",
        "bytes=9-1",
    ),
)

words = st.sampled_from(WORDS) | st.text(max_size=20) | st.integers().map(str) | st.floats().map(str)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)
KEYS = (
    "rules",
    "lines",
    "topic",
    "last",
    "letters",
    "reason",
    "limit",
    "name",
    "password",
    "device_id",
    "interval",
)
objects = st.dictionaries(st.sampled_from(KEYS) | words, values, max_size=4)
BROKEN = (
    b"\xff",
    b'{"lines": ["\xff"]}',
    b'{"lines": [%b]}' % (b"[" * 5_000 + b"]" * 5_000),
    b'"\xff"',
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"{" + b" " * 20_000 + b"}",
    b"\x1f\x8b",
    b"\0",
)
bodies = (
    st.just(b"")
    | (objects | values).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
    | st.sampled_from(BROKEN)
)
sent_values = words.map(lambda word: word.encode("utf-8", "surrogatepass")).map(
    lambda raw: re.sub(rb"[\r\n\0]", b"", raw)[:2_000].strip()
)


@dataclass(frozen=True)
class Sent:
    """A request, as it is sent."""

    method: str
    target: str
    headers: Sequence[tuple[str, bytes]] = field(repr=False)
    body: bytes = b""


def _escaped(word: str) -> str:
    return quote(word.encode("utf-8", "surrogatepass"), safe="")


@st.composite
def sent_requests(draw: st.DrawFn, routes: Sequence[Route]) -> Sent:
    """Return a request to one of the routes, or nearly."""
    route = draw(st.sampled_from(routes))
    target = re.sub(r"{\w+}", lambda _: _escaped(draw(words)), route.path)
    if not draw(st.integers(0, 9)):
        target += "/" + _escaped(draw(words))
    known = [p.name for of in route.parameters.values() for p in of if p.place == "query"]
    names = st.sampled_from([*known, "format", "nobody"]) | words
    pairs = draw(st.lists(st.tuples(names, words), max_size=4))
    if pairs:
        target += "?" + urlencode([(name, word) for name, word in pairs], errors="surrogatepass")
    method = route.method.upper() if draw(st.integers(0, 9)) else draw(st.sampled_from(METHODS))
    headers = draw(st.lists(st.tuples(st.sampled_from(NAMES), sent_values), max_size=3))
    return Sent(
        method, target, headers, draw(bodies) if method in ("POST", "PUT", "DELETE", "PATCH") else b""
    )


LINES = (
    *(
        b"Host: localhost",
        b"Host: a\xff",
        b"Host:",
        b"Content-Length: 3",
        b"Content-Length: -1",
        b"Content-Length: 3, 3",
    ),
    *(
        b"Content-Length: 4",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 0x3",
        b"Content-Length:\x0b3",
    ),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked"),
    *(b"Transfer-Encoding : chunked", b"transfer-encoding:\tchunked", b"TE: trailers", b"Trailer: Host"),
    *(b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"Expect: 100-continue", b"Expect: a"),
    *(b" folded: a", b"no colon", b": no name", b"X\0: a", b"X: \0", b"X: \x7f\xff", b"X: " + b"y" * 9_000),
    b"Authorization: Basic \xff",
)
CHUNKS = (
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"zz\r\n",
    b"-1\r\n",
    b"3;a=b\r\nabc\r\n",
    b"3\nabc\n",
    b"ffffffffffffffff\r\n",
)
FIRST = (
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/9.9",
    b"HTTP/2.0",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"",
    b"ICY",
    b"HTTP/1.\xb9",
)
WHERE = (
    b"/",
    b"*",
    b"//",
    b"/ingest",
    b"/rules",
    b"http://localhost/",
    b"localhost:80",
    b"/%zz",
    b"/\xff",
    b"/a b",
    b"",
)
ends = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n"))


@st.composite
def broken_requests(draw: st.DrawFn) -> bytes:
    """Return bytes that are a request, or hardly one."""
    method = draw(
        st.sampled_from([m.encode() for m in METHODS])
        | st.sampled_from((b"get", b"G\0T", b"PRI", b"A" * 99, b""))
    )
    target = draw(st.sampled_from(WHERE) | st.binary(max_size=10))
    end = draw(ends)
    lines = draw(st.lists(st.sampled_from(LINES) | st.binary(max_size=20), max_size=5))
    head = end.join([b" ".join((method, target, draw(st.sampled_from(FIRST)))), *lines]) + end + end
    return head + b"".join(draw(st.lists(st.sampled_from(CHUNKS) | st.binary(max_size=10), max_size=3)))


def own_routes(routes: Sequence[object]) -> list[Route]:
    """Return the routes that are declared as ours, without the one that takes a worker out of its group."""
    return [route for route in routes if isinstance(route, Route) and route.path != "/leave"]


def statuses_in(answer: bytes) -> Iterator[int]:
    """Yield the statuses of the answers in what a connection has sent."""
    yield from (int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer))
