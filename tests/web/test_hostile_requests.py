"""Hostile requests: no answer is a fault of the worker, and its log has no traceback."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from harness.workers import WORKER_SECRET, Worker

from dataflow.access.worker_proof import proof_headers
from dataflow.web.route import Route
from dataflow.web.routes import EVERY_WORKER, SENDERS

pytestmark = pytest.mark.long

ROUTES = [route for route in (*EVERY_WORKER, *SENDERS) if isinstance(route, Route)]
VALUES = (
    *("", "0", "-1", "-0", "9" * 4_301, "1e999", "nan", "null", "true", "[]", '"', "'; --", "a" * 5_000),
    *(
        "\0",
        "\r\nX: y",
        "é",
        "\ud7ff",
        "../..",
        "%",
        "%00",
        "2015-05-17T10:05:03Z",
        "99999-01-01",
        "0001-01-01",
    ),
)
BODIES = (
    *(b"", b"\xff", b'"\xff"', b"null", b"[]", b"7", b'"x"', b"[" * 50_000, b'{"a":' * 20_000, b"1" * 4_301),
    *(b'{"rules": 1}', b'{"x": "\\ud800"}', b'{"letters": [[1]]}', b"\0" * 1_000, b"{}" * 1_000, b"[1e999]"),
)
HEADERS: tuple[dict[str, str], ...] = (
    {"Content-Type": "text/html"},
    {"Content-Encoding": "zip"},
    {"Content-Encoding": "gzip"},
    {"If-None-Match": "\xff"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Bearer "},
    {"Range": "bytes=9-1"},
    {"Accept": "x" * 5_000},
)
BROKEN = (
    b"\0\x01\x02\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def targets(route: Route) -> Iterator[str]:
    """Yield paths with queries: each parameter with each value, unknown ones and ones that come twice."""
    names = re.findall(r"{(\w+)}", route.path)
    usual = dict.fromkeys(names, "0") | {"name": "stays_per_category", "stream": "cdn-logs"}
    for value in VALUES:
        for name in names:
            yield _filled(route.path, usual | {name: value})
    query = [p.name for of in route.parameters.values() for p in of if p.place == "query"]
    plain = _filled(route.path, usual)
    for name in (*query, "nobody"):
        for value in VALUES:
            yield f"{plain}?{name}={quote(value, safe='')}"
        yield f"{plain}?{name}=1&{name}=2"
    yield from (plain, f"{plain}?", f"{plain}?%ff=%fe", f"{plain}?=&&=")


def _filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: quote(values.get(match[1], "0"), safe=""), path)


def status_of(connection: HTTPConnection, method: str, target: str, body: bytes = b"", **headers: str) -> int:
    """Return the status of the answer."""
    proof = proof_headers(WORKER_SECRET, method, f"http://localhost{target}")
    connection.request(method.upper(), target, body, {"Host": "localhost", **proof, **headers})
    answer = connection.getresponse()
    if answer.headers.get_content_type() == "text/event-stream":
        connection.close()  # it has no end; the next request connects again
    else:
        answer.read()
    return answer.status


def faults_of(connection: HTTPConnection, route: Route) -> Iterator[tuple[object, ...]]:
    """Yield what was asked, and the status, wherever the worker was at fault."""
    asked: list[tuple[str, bytes, dict[str, str]]] = [(target, b"", {}) for target in targets(route)]
    plain = asked[-4][0]
    asked += [(plain, body, {}) for body in BODIES] if route.method != "get" else []
    asked += [(plain, b"x", headers) for headers in HEADERS]
    for target, body, headers in asked:
        status = status_of(connection, route.method, target, body, **headers)
        if status >= 500 and status != 503:
            yield route.method, target[:100], body[:20], headers, status


def test_nothing_that_is_asked_is_a_fault_of_the_worker(alone: Worker):
    """`?limit=` with 4,301 digits, and a body with a byte that is no text, were answered with 500."""
    assert {route.path for route in ROUTES} >= {"/tables/{name}", "/ingest/{stream}", "/rules", "/events"}
    with closing(HTTPConnection("127.0.0.1", alone.port, timeout=60)) as connection:
        assert not [fault for route in ROUTES for fault in faults_of(connection, route)]
    assert "Traceback" not in alone.log.read_text()


def test_what_is_no_request_is_answered_quietly(alone: Worker):
    """Scanners and wrong protocols come every minute; each had a traceback in the log."""
    for broken in BROKEN:
        with socket.create_connection(("127.0.0.1", alone.port), timeout=10) as raw:
            raw.sendall(broken)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65_536):
                pass
    assert alone.get("/healthz").status == 200
    assert "Traceback" not in alone.log.read_text()
