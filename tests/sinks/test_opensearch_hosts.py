"""How the OpenSearch sink reaches a cluster: several hosts, API keys, signed requests."""

import asyncio
from base64 import b64encode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from sinks.network import Network
from sinks.sink_records import batches, views
from sinks.test_opensearch_answers import TP, SmallServer

from dataflow.demo.broker.ports import free_port
from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch import client
from dataflow.sinks.opensearch.sink import OpenSearchSink


class Host:
    """A host of a cluster, which remembers how it was asked."""

    def __init__(self, small: SmallServer) -> None:
        self.asked: list[tuple[web.Request, bytes]] = []
        app = small.app()
        app.middlewares.append(self._remember)
        self.server = TestServer(app)

    @web.middleware
    async def _remember(self, request, handler):
        self.asked.append((request, await request.read()))
        return await handler(request)


@pytest.fixture
async def host():
    """Return a running host."""
    host = Host(SmallServer())
    await host.server.start_server()
    yield host
    await host.server.close()


async def store(**settings):
    """Store ten records; return what was rejected."""
    sink = OpenSearchSink({TP.topic: "web-events"}, Settings(**settings))
    try:
        await sink.open()
        (batch,) = batches(TP, views(range(10)), 10)
        return (await sink.write(batch)).rejected
    finally:
        await sink.close()


@pytest.mark.parametrize(
    ("key", "sent"),
    [("aWQ6a2V5", "aWQ6a2V5"), ("id:key", b64encode(b"id:key").decode())],
    ids=["as the server encodes it", "an id and its key"],
)
async def test_an_api_key_is_sent_with_every_request(host, key, sent):
    """In place of a user."""
    assert await store(opensearch_url=str(host.server.make_url("/")), opensearch_api_key=key) == []
    assert [request.headers["authorization"] for request, _ in host.asked] == [f"ApiKey {sent}"] * 2


async def test_a_user_is_sent_with_every_request(host):
    """As before."""
    url = str(host.server.make_url("/"))
    assert await store(opensearch_url=url, opensearch_username="me", opensearch_password="pw") == []
    wanted = "Basic " + b64encode(b"me:pw").decode()
    assert [request.headers["authorization"] for request, _ in host.asked] == [wanted] * 2


async def test_the_next_host_is_asked_where_one_is_away(host):
    """Whichever comes first; nothing is said of it, since nothing waits."""
    away = f"http://127.0.0.1:{free_port()}"
    for hosts in ((away, host.server.make_url("")), (host.server.make_url(""), away, away)):
        assert await store(opensearch_url=",".join(map(str, hosts))) == []


async def test_the_next_host_is_asked_where_one_does_not_answer(host, monkeypatch):
    """A connection may stay open and lead nowhere."""
    monkeypatch.setattr(client, "SECONDS", 0.5)
    network = await Network(host.server.port).start()
    network.swallows = True
    hosts = f"http://127.0.0.1:{network.port},{host.server.make_url('')}"
    try:
        assert await asyncio.wait_for(store(opensearch_url=hosts), 10) == []
    finally:
        await network.cut()


async def test_where_all_hosts_are_away_it_is_an_outage():
    """One of them is named."""
    hosts = ",".join(f"http://127.0.0.1:{free_port()}" for _ in range(3))
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1"):
        await store(opensearch_url=hosts)


@pytest.mark.parametrize("service", ["es", "aoss"])
async def test_requests_to_amazon_are_signed(host, monkeypatch, service):
    """With what the SDK finds; the signature is that of the very request, body and query included."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    url = str(host.server.make_url("/"))
    chosen = {"opensearch_aws_region": "eu-west-1", "opensearch_aws_service": service}
    assert await store(opensearch_url=url, **chosen) == []
    assert len(host.asked) == 2
    for request, body in host.asked:
        head, _, signature = request.headers["authorization"].rpartition(", Signature=")
        assert f"Credential=AKID/{request.headers['x-amz-date'][:8]}/eu-west-1/{service}/aws4_request" in head
        assert request.headers["x-amz-security-token"] == "token"
        assert signature == signature_of(request, body, head.rpartition("SignedHeaders=")[2], service)


def signature_of(request, body, signed_headers, service):
    """Return what the signature has to be, as Amazon reckons it."""
    headers = {name: request.headers[name] for name in signed_headers.split(";")}
    sent = AWSRequest(request.method, str(request.url), headers, body)
    sent.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKID", "geheim", "token"), service, "eu-west-1")
    return auth.signature(auth.string_to_sign(sent, auth.canonical_request(sent)), sent)


async def test_missing_credentials_are_waited_for(host, monkeypatch, tmp_path):
    """A person has to mend it; the words say what was looked for."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SinkUnavailable, match="no AWS credentials; expected a profile or a role"):
        await store(opensearch_url=str(host.server.make_url("/")), opensearch_aws_region="eu-west-1")
