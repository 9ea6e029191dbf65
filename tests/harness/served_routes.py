"""Served routes: all routes of a worker without its views and its broker, to ask who is let in."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import bcrypt
import pytest
from aiohttp import ClientSession, TCPConnector, encode_basic_auth
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Application, Request, Response, StreamResponse, get, json_response, middleware

from dataflow.access.access_file import fingerprint
from dataflow.access.worker_proof import proof_headers
from dataflow.app import app
from dataflow.context import Context
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.topic_inspector import TopicInspector
from dataflow.engine.topology import Topology
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.record_batches import RecordBatches
from dataflow.settings import Settings
from dataflow.tls import client_context, server_context
from dataflow.web.authorize import authorize, identity_of
from dataflow.web.browsers import only_own_pages
from dataflow.web.edge import json_edge
from dataflow.web.routes import ALL
from dataflow.web_connections import CONNECTIONS, OpenConnections

SECRET = "secret of the workers of this test"
Served = tuple[str, ClientSession]
TOKEN_ROLES = {
    "reader": "read",
    "editor": "edit",
    "admin": "admin",
    "scraper": "metrics",
    "of-bookings": "send:bookings",
}
TOKENS = {name: f"0123456789abcdef-{name}" for name in TOKEN_ROLES}


def access_file(folder: Path) -> Path:
    """Return a file that names the clients."""
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    path = folder / "access.toml"
    path.write_text(
        f'[users.sender]\npassword = "{hashed}"\nroles = ["send"]\n'
        + "".join(
            f'[tokens.{name}]\nsha256 = "{fingerprint(token).hex()}"\nroles = ["{TOKEN_ROLES[name]}"]\n'
            for name, token in TOKENS.items()
        )
    )
    return path


@middleware
async def say_who(request: Request, handler: Handler) -> StreamResponse:
    """Stand in for all views: what they answer, and the broker that they need, is of other tests."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    return json_response({"who": str(identity_of(request))}, status=299)


@middleware
async def real_views(request: Request, handler: Handler) -> StreamResponse:
    """Let the views answer."""
    return await handler(request)


async def serving(
    monkeypatch: pytest.MonkeyPatch,
    certificates: Path | None = None,
    views: Middleware = say_who,
    **chosen: object,
) -> AsyncIterator[Served]:
    """Serve all routes to everybody who is let in, by HTTPS with the certificates of a folder."""
    settings = Settings(**chosen)  # type: ignore[arg-type]
    batches, producer = RecordBatches(None, transactional=True), ManagedProducer({}, None)
    inspector = TopicInspector(Topology(), producer, StreamPauses(), batches, {})  # no rules are read here
    context = Context(settings, {}, SECRET, inspector)
    monkeypatch.setitem(vars(app), "settings", settings)
    monkeypatch.setitem(vars(app), "context", context)
    application = Application(middlewares=[json_edge, only_own_pages, authorize, views])
    application[CONNECTIONS] = OpenConnections(1_024)
    application.add_routes(ALL)

    async def of_faust(_: Request) -> Response:
        """Answer, past `Routes`."""
        return Response()

    application.add_routes([get("/mine", of_faust)])
    server, trusted, context_of_server = TestServer(application), None, None
    if certificates is not None:
        trusted = client_context(certificates / "ca.crt")
        context_of_server = server_context(certificates / "server.crt", certificates / "server.key", None)
    await server.start_server(ssl=context_of_server)
    async with server, ClientSession(connector=TCPConnector(ssl=trusted or True)) as session:
        yield str(server.make_url("")).rstrip("/"), session


def credentials(client: str, method: str, url: str) -> Mapping[str, str]:
    """Return what a client shows."""
    if client == "nobody":
        return {}
    if client == "sender":
        return {"Authorization": encode_basic_auth("sender", "right")}
    if client == "worker":
        return proof_headers(SECRET, method, url)
    return {"Authorization": f"Bearer {TOKENS[client]}"}


async def asked(served: Served, client: str, method: str, path: str) -> int:
    """Return the status that a client gets."""
    address, session = served
    url = f"{address}{path.replace('{stream}', 'access-logs').replace('{', '').replace('}', '')}"
    async with session.request(method, url, headers=credentials(client, method, url)) as reply:
        return reply.status
