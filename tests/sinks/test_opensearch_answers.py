"""The OpenSearch sink and a server that is busy, full or away: a small one that answers as it is told."""

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiokafka.structs import TopicPartition
from harness.certificates import Authority
from opensearchpy import ConnectionError as NoConnection
from opensearchpy.exceptions import AuthorizationException
from sinks.sink_records import a_record, a_view, batches, views

from dataflow.errors import Reason, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.client import SearchClient
from dataflow.sinks.opensearch.sink import OpenSearchSink
from dataflow.tls import server_context

TP = TopicPartition("enriched-web-events", 0)


class SmallServer:
    """Stores documents by id; `answer` is asked first for the status of each, or of the whole request."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, object]] = {}
        self.requests: list[int] = []
        self.templates: dict[str, dict] = {}
        self.refuse_template = lambda name, template: None
        self.refuse_all = lambda lines: None
        self.refuse = lambda source: None

    def app(self) -> web.Application:
        """Return it as an app."""
        app = web.Application(client_max_size=2**30)
        app.router.add_put("/_index_template/{name}", self._template)
        app.router.add_route("*", "/_bulk", self._bulk)
        return app

    async def _template(self, request: web.Request) -> web.Response:
        name, template = request.match_info["name"], await request.json()
        status, reason = self.refuse_template(name, template) or (200, "")
        if status != 200:
            return web.json_response({"error": {"type": "told", "reason": reason}}, status=status)
        self.templates[name] = template
        return web.json_response({"acknowledged": True})

    async def _bulk(self, request: web.Request) -> web.Response:
        lines = (await request.read()).splitlines()
        self.requests.append(len(lines) // 2)
        status = self.refuse_all(lines)
        if isinstance(status, web.Response):
            return status
        if status:
            return web.json_response({"error": {"type": "whole", "reason": "no"}}, status=status)
        if lines == [b""]:
            return web.json_response({"error": {"type": "told", "reason": "no requests added"}}, status=400)
        return web.json_response(
            {"items": [self._one(*pair) for pair in zip(*[iter(lines)] * 2, strict=True)]}
        )

    def _one(self, action: bytes, source: bytes) -> object:
        name, event = orjson.loads(action)["create"]["_id"], orjson.loads(source)
        status = self.refuse(event)
        if status:
            return {"create": {"status": status, "error": {"type": "told", "reason": "so"}}}
        if name in self.documents:
            return {"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}
        self.documents[name] = event
        return {"create": {"status": 201}}


@pytest.fixture
def small():
    """Return a server that takes everything."""
    return SmallServer()


@pytest.fixture
async def sink(small):
    """Return an open sink into it."""
    server = TestServer(small.app())
    await server.start_server()
    sink = OpenSearchSink({TP.topic: "web-events"}, Settings(opensearch_url=str(server.make_url("/"))))
    await sink.open()
    yield sink
    await sink.close()
    await server.close()


async def write(sink, records):
    """Write the records as one batch."""
    (batch,) = batches(TP, records, len(records))
    return await sink.write(batch)


async def test_what_is_put_off_goes_again_alone(sink, small):
    """A busy server need not see the rest of the batch a second time."""
    busy = {"3", "5"}
    small.refuse = lambda event: busy.discard(event["event_id"]) or 429 if event["event_id"] in busy else None
    stored = await write(sink, views(range(10)))
    assert stored == type(stored)(10, [])
    assert len(small.documents) == 10
    assert small.requests == [10, 2]


async def test_a_server_that_takes_nothing_is_away(sink, small):
    """The runner waits; then the same batch comes again."""
    small.refuse = lambda event: 503
    with pytest.raises(SinkUnavailable, match="OpenSearch: told: so"):
        await write(sink, views(range(3)))
    small.refuse = lambda event: None
    assert (await write(sink, views(range(3)))).end == 3


async def test_a_document_that_waits_holds_up_no_other_of_its_batch(sink, small):
    """Its index may be read-only; the others are in later requests, since one has a megabyte."""
    small.refuse = lambda event: 403 if event["event_id"] == "0" else None
    records = [a_record(number, a_view(number, os="x" * 50_000)) for number in range(100)]
    with pytest.raises(SinkUnavailable, match="OpenSearch: told: so"):
        await write(sink, records)
    assert len(small.requests) > 4
    assert len(small.documents) == 99


async def test_nor_does_it_hold_up_those_that_are_sought_through(sink, small):
    """One upsets the server and is sought in halves, one waits: all others are stored."""
    small.refuse_all = lambda lines: 413 if any(b"huge" in line for line in lines) else None
    small.refuse = lambda event: 403 if event["event_id"] == "0" else None
    records = views(range(100))
    records[99] = a_record(99, a_view(99, noise="huge"))
    with pytest.raises(SinkUnavailable, match="OpenSearch: told: so"):
        await write(sink, records)
    assert len(small.documents) == 98


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
async def test_a_request_that_fails_as_a_whole_is_an_outage(sink, small, status):
    """Whatever the cause, not one record of it is at fault."""
    small.refuse_all = lambda lines: status
    with pytest.raises(SinkUnavailable, match="OpenSearch: whole: no"):
        await write(sink, views(range(3)))


@pytest.mark.parametrize(("status", "reason"), [(413, Reason.TOO_LARGE), (400, Reason.WRONG_TYPE)])
async def test_a_record_that_upsets_the_server_is_found(sink, small, status, reason):
    """It is refused alone, and all others are stored."""
    small.refuse_all = lambda lines: status if any(b"huge" in line for line in lines) else None
    records = views(range(100))
    records[37] = a_record(37, a_view(37, noise="huge"))
    stored = await write(sink, records)
    assert [(one.record.offset, one.fault.reason) for one in stored.rejected] == [(37, reason)]
    assert len(small.documents) == 99


PAGE = "<html>Bad Request</html>"
OTHERS_ANSWERS = [
    *((status, PAGE, "text/html") for status in (400, 403, 404, 414, 421, 431, 451, 502)),
    (400, "bad request", "text/plain"),
    (400, '{"message": "no"}', "application/json"),
    (400, '{"error": "no"}', "application/json"),
    (400, '{"error": {"code": 400, "message": "no"}}', "application/json"),
]


@pytest.mark.parametrize(("status", "body", "kind"), OTHERS_ANSWERS)
async def test_what_a_proxy_says_is_no_fault_of_a_record(sink, small, status, body, kind):
    """A page of 400 in front of the cluster made a dead letter of each good event behind it."""
    small.refuse_all = lambda lines: web.Response(status=status, text=body, content_type=kind)
    with pytest.raises(SinkUnavailable, match=f"OpenSearch: {status}: .* Look at the proxies in front of it"):
        await write(sink, views(range(3)))
    small.refuse_all = lambda lines: None
    assert (await write(sink, views(range(3)))).rejected == []


async def test_a_proxy_that_takes_no_request_at_all_is_an_outage(sink, small):
    """It says that each is too large; no event is, as not even an empty one passes."""
    page = {"status": 413, "text": PAGE, "content_type": "text/html"}
    small.refuse_all = lambda lines: web.Response(**page)
    with pytest.raises(SinkUnavailable, match="expected at least the smallest request to be accepted"):
        await write(sink, views(range(100)))
    small.refuse_all = lambda lines: web.Response(**page) if len(lines) > 20 else None
    assert (await write(sink, views(range(100)))).rejected == []
    assert len(small.documents) == 100


@pytest.mark.parametrize(
    ("body", "kind", "is_known"),
    [(PAGE, "text/html", False), ('{"error": {"type": "security_exception"}}', "application/json", True)],
)
async def test_a_proxy_knows_nothing_of_our_rights(body, kind, is_known):
    """Its 403 was taken for ours: records of a topic that was created again went over those of the first."""

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=403, text=body, content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    server = TestServer(app)
    await server.start_server()
    client = SearchClient(Settings(opensearch_url=str(server.make_url("/"))))
    try:
        if is_known:
            assert await client.note("dataflow-x-events", {"topic_id": "x"}) is None
        else:
            with pytest.raises(AuthorizationException):
                await client.note("dataflow-x-events", {"topic_id": "x"})
    finally:
        await client.close()
        await server.close()


@pytest.fixture
async def two_sinks(small):
    """Return a sink of two topics, each with a prefix, that is not open yet."""
    server = TestServer(small.app())
    await server.start_server()
    indices = {TP.topic: "web-events", "expedia_ext": "stays"}
    sink = OpenSearchSink(indices, Settings(opensearch_url=str(server.make_url("/"))))
    yield sink
    await sink.close()
    await server.close()


async def test_a_template_that_is_refused_holds_up_its_own_topics_only(two_sinks, small):
    """A right may be missing for one prefix; when it is there, nobody has to start anew."""
    small.refuse_template = lambda name, template: (403, "no right") if name == "dataflow-stays" else None
    await two_sinks.open()
    assert (await write(two_sinks, views(range(3)))).end == 3
    (batch,) = batches(TopicPartition("expedia_ext", 0), [a_record(0, b"{}")], 1)
    with pytest.raises(SinkUnavailable, match="OpenSearch: told: no right"):
        await two_sinks.write(batch)
    small.refuse_template = lambda name, template: None
    assert (await two_sinks.write(batch)).end == 1


@pytest.mark.parametrize(
    ("unknown", "other"),
    [
        (set(), {"type": "flat_object"}),
        ({"flat_object"}, {"type": "flattened", "ignore_above": 8_191}),
        ({"flat_object", "flattened"}, {"type": "object", "enabled": False}),
    ],
    ids=["OpenSearch", "Elasticsearch", "an older one"],
)
async def test_unknown_fields_are_in_the_best_type_that_the_server_has(two_sinks, small, unknown, other):
    """Each system has its own; those that are older keep them unsearched."""

    def refuse(name, template):
        kind = template["template"]["mappings"]["properties"]["other"]["type"]
        words = f"No handler for type [{kind}] declared on field [other]"
        return (400, words) if kind in unknown else None

    small.refuse_template = refuse
    await two_sinks.open()
    for template in small.templates.values():
        assert template["template"]["mappings"]["properties"]["other"] == other


async def test_a_template_that_conflicts_with_another_is_told():
    """A person has to decide which one counts."""
    small = SmallServer()
    small.refuse_template = lambda name, template: (400, "same priority as [mine]")
    server = TestServer(small.app())
    await server.start_server()
    sink = OpenSearchSink({TP.topic: "x"}, Settings(opensearch_url=str(server.make_url("/"))))
    with pytest.raises(SinkUnavailable, match=r"same priority as \[mine\]"):
        await sink.open()
    await sink.close()
    await server.close()


async def test_a_server_that_does_not_listen_is_away():
    """The words tell where it was looked for."""
    sink = OpenSearchSink({TP.topic: "web-events"}, Settings(opensearch_url="http://127.0.0.1:9"))
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1"):
        await sink.open()
    await sink.close()


async def test_a_ca_that_is_replaced_is_trusted_at_the_next_connection(small, tmp_path, monkeypatch):
    """A cluster whose CA is renewed was an outage until the worker was started anew."""
    monkeypatch.setattr("dataflow.watched_files.LOOK_SECONDS", 0.0)
    Authority(tmp_path, "ca").issue("server")
    Authority(tmp_path, "other")
    context = server_context(tmp_path / "server.crt", tmp_path / "server.key", None)
    server, trusted = TestServer(small.app()), tmp_path / "trusted.crt"
    trusted.write_bytes((tmp_path / "other.crt").read_bytes())
    await server.start_server(ssl=context)
    client = SearchClient(
        Settings(opensearch_url=f"https://127.0.0.1:{server.port}", opensearch_ca_file=trusted)
    )
    try:
        with pytest.raises(NoConnection, match="CERTIFICATE_VERIFY_FAILED"):
            await client.put_index_template("x", {})
        trusted.write_bytes((tmp_path / "ca.crt").read_bytes())
        await client.put_index_template("x", {})
    finally:
        await client.close()
        await server.close()
