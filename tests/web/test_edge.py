"""The edge: whatever is asked, the answer is JSON that no browser takes for a page."""

import msgspec
import pytest

from dataflow.engine.query import Inquiry, ReadMarks


@pytest.mark.parametrize("path", ["/nope", "/table/", "/tables/x/y/../../../etc/passwd", "/static/x/app.py"])
def test_an_unknown_path_is_a_json_404(worker, path):
    """Also where Faust has views of its own that are switched off."""
    reply = worker.get(path)
    assert reply.status == 404
    assert set(reply.json) == {"error"}


@pytest.mark.parametrize(
    "path", ["/", "/streams", "/tables", "/tables/stays_per_category", "/readyz", "/nope"]
)
def test_head_is_get_without_the_body(worker, path):
    """Probes and caches ask like this."""
    before, head, get = worker.get(path), worker.get(path, "HEAD"), worker.get(path)
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) in (len(before.body), len(get.body))  # what is behind changes


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(worker, method):
    """A view only answers."""
    reply = worker.get("/tables", method)
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET,HEAD"
    assert reply.json["error"] == f"method of '/tables' is {method}; expected GET,HEAD"


@pytest.mark.parametrize("path", ["/<script>alert(1)</script>", "/tables/<script>", "/tables?<script>=1"])
def test_what_is_reflected_is_no_page(worker, path):
    """Markup in an address comes back as JSON, and browsers are told to believe that."""
    reply = worker.get(path)
    assert reply.json["error"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_what_is_old_the_moment_it_is_sent_is_not_kept_by_anyone(worker):
    """Counts may be, if whoever has them asks each time whether they are still so."""
    assert worker.get("/readyz").headers["Cache-Control"] == "no-store"
    assert worker.get("/tables/stays_per_category").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"read=balance",
        msgspec.msgpack.encode({"topics": ["expedia"], "query": {"type": "ReadSizes"}}),
        msgspec.msgpack.encode(Inquiry(["expedia"], ReadMarks("x", "all", (0, None), 1))),
        msgspec.msgpack.encode(Inquiry(["expedia"], ReadMarks("stays_per_category", "week", (0, None), 1))),
    ],
)
def test_a_query_of_another_release_is_refused(worker, body):
    """Workers of two versions may ask one another during an upgrade."""
    reply = worker.as_worker("/_query", "POST", body)
    assert reply.status == 400
    assert reply.json["error"].startswith("query is not one of this release")
