"""Access: every route asked by every kind of client; docs/security.md says who gets in."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import bcrypt
import pytest
from aiohttp import ClientSession, TCPConnector, encode_basic_auth
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from aiohttp.web import Application, Request, Response, StreamResponse, get, json_response, middleware
from harness.certificates import Authority
from multidict import CIMultiDict

from dataflow.access.access_file import fingerprint
from dataflow.access.identity import AccessRole
from dataflow.access.worker_proof import proof_headers
from dataflow.app import app
from dataflow.cli.worker_client import ask, tell
from dataflow.context import Context
from dataflow.errors import DataflowError
from dataflow.settings import Settings
from dataflow.tls import client_context, server_context
from dataflow.web.authorize import authorize, identity_of
from dataflow.web.browsers import PROBES, only_own_pages
from dataflow.web.edge import json_edge
from dataflow.web.routes import ALL
from dataflow.web_connections import CONNECTIONS, OpenConnections

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
TABLE: Mapping[tuple[str, str], str] = {
    (method, path): role
    for method, path, role in re.findall(r"^\| `(\w+) (/\S*)` \| (\w+) \|$", DOCS.read_text(), re.MULTILINE)
}
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
CLIENTS = {
    "nobody": {"everybody"},
    "sender": {"everybody", "send"},
    "scraper": {"everybody", "metrics"},
    "reader": {"everybody", "metrics", "read"},
    "editor": {"everybody", "metrics", "read", "edit"},
    "admin": {"everybody", "metrics", "send", "read", "edit", "admin"},
    "worker": {"everybody", "metrics", "send", "read", "edit", "admin", "worker"},
}
"""Which rows of the table each client may use."""


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


async def add_no_outputs(_: AbstractSet[str]) -> None:
    """Add outputs of rules; no rules are read here."""


async def serving(
    monkeypatch: pytest.MonkeyPatch, certificates: Path | None = None, **chosen: object
) -> AsyncIterator[Served]:
    """Serve all routes to everybody who is let in, by HTTPS with the certificates of a folder."""
    settings = Settings(**chosen)  # type: ignore[arg-type]
    context = Context(settings, {}, SECRET, add_no_outputs)
    monkeypatch.setitem(vars(app), "settings", settings)
    monkeypatch.setitem(vars(app), "context", context)
    application = Application(middlewares=[json_edge, only_own_pages, authorize, say_who])
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


@pytest.fixture(params=["http", "https"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return where a worker with an access file serves, and a session."""
    Authority(tmp_path, "ca").issue("server")
    certificates = tmp_path if request.param == "https" else None
    async for served in serving(monkeypatch, certificates, access_file=access_file(tmp_path)):
        yield served


@pytest.fixture
async def opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Return where a worker without an access file serves, and a session."""
    async for served in serving(monkeypatch, **request.param):
        yield served


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


def test_the_table_of_the_page_is_that_of_the_routes():
    """Who reads it knows all that a worker answers; none is declared without a role."""
    assert {(route.method.upper(), route.path): route.role for route in ALL} == TABLE
    assert set(TABLE.values()) == set(AccessRole)


@pytest.mark.parametrize("client", CLIENTS)
async def test_each_client_gets_in_where_the_page_says_so_and_nowhere_else(guarded, client: str):
    """Reading could not be closed, and a sender's password edited rules and read raw dead letters."""
    refused = 401 if client == "nobody" else 403
    for (method, path), role in TABLE.items():
        expected = 299 if role in CLIENTS[client] else 403 if role == "worker" else refused
        assert await asked(guarded, client, method, path) == expected, (method, path)
        if method == "GET":
            assert await asked(guarded, client, "HEAD", path) == expected, path


@pytest.mark.parametrize(
    ("shown", "reads", "changes"),
    [
        ({"Host": "evil.example"}, 421, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421, 421),
        ({"Host": "evil.example", "Referer": "http://evil.example/"}, 421, 421),
        ({"Origin": "http://evil.example"}, 299, 403),
        ({"Origin": "null"}, 299, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 299, 299),
    ],
)
async def test_no_route_answers_a_page_of_others(guarded, shown: dict[str, str], reads: int, changes: int):
    """Whatever the browser shows of its user by itself: here a token that has all roles."""
    address, session = guarded
    for (method, path), role in TABLE.items():
        url = f"{address}{path.replace('{stream}', 'access-logs').replace('{', '').replace('}', '')}"
        expected = 299 if path in PROBES else reads if method == "GET" else changes
        if expected == 299 and role == "worker":
            expected = 403
        if role == "send" and shown.keys() == {"Host"}:
            expected = 299  # no browser: a sender knows the worker by the name of a load balancer
        async with session.request(method, url, headers={**credentials("admin", "", ""), **shown}) as reply:
            assert reply.status == expected, (method, path)


@pytest.mark.parametrize("client", ["reader", "editor", "admin"])
async def test_a_session_gets_in_where_its_owner_does(guarded, client: str):
    """Whoever has logged in with a browser is no other than the one who shows the secret each time."""
    address, session = guarded
    known = app.context.authenticator.known
    kept = app.context.sessions.begin(known.tokens[fingerprint(TOKENS[client])], known)
    name = "__Host-dataflow" if address.startswith("https:") else "dataflow"
    for (method, path), role in TABLE.items():
        url = f"{address}{path.replace('{stream}', 'access-logs').replace('{', '').replace('}', '')}"
        async with session.request(method, url, headers={"Cookie": f"{name}={kept}"}) as reply:
            assert reply.status == (299 if role in CLIENTS[client] else 403), (method, path)


@pytest.mark.parametrize(
    ("opened", "allowed"),
    [
        ({}, {"everybody", "metrics", "read"}),
        ({"open_roles": ("metrics",)}, {"everybody", "metrics"}),
        ({"open_roles": ("read", "send", "edit")}, {"everybody", "metrics", "read", "send", "edit"}),
        ({"open_roles": ("send:access-logs",)}, {"everybody"}),
        ({"web_host": "0.0.0.0", "open_roles": ("read",)}, {"everybody", "metrics", "read"}),
    ],
    indirect=["opened"],
)
async def test_without_an_access_file_everybody_may_what_the_settings_say(opened, allowed: set[str]):
    """Reading, on a loopback address; all else has to be said."""
    for (method, path), role in TABLE.items():
        expected = 299 if role in allowed else 403
        if (role, path, allowed) == ("send", "/ingest/{stream}", {"everybody"}):
            expected = 299  # of this one stream
        assert await asked(opened, "nobody", method, path) == expected, (method, path)


async def test_a_sender_of_one_stream_sends_no_other(guarded):
    """Whoever sends bookings has no business with CDN logs."""
    address, session = guarded
    for path, status in (
        ("/ingest/bookings", 299),
        ("/ingest/access-logs", 403),
        ("/ingest/nothing", 403),
        ("/ingest", 403),
        ("/events", 403),
    ):
        headers = credentials("of-bookings", "POST", path)
        async with session.post(f"{address}{path}", headers=headers) as reply:
            assert reply.status == status, path


async def test_a_refusal_says_who_lacks_which_role(guarded):
    """An operator mends the file by it."""
    address, session = guarded
    url = f"{address}/tables"
    async with session.get(url, headers=credentials("sender", "GET", url)) as reply:
        assert await reply.json() == {"error": "user sender has not the role read; expected one that has"}
    async with session.get(url) as reply:
        ways = reply.headers.getall("WWW-Authenticate")
        assert ways == ['Basic realm="dataflow"', 'Bearer realm="dataflow"']
    async with session.get(f"{address}/_process") as reply:
        assert "expected the same DATAFLOW_WORKER_SECRET at all workers" in (await reply.json())["error"]


async def test_a_sender_of_some_streams_is_told_which_role_it_lacks(guarded):
    """It has the role send, for another stream: that it has not would send an operator to the wrong line."""
    address, session = guarded
    url = f"{address}/ingest/access-logs"
    async with session.post(url, headers=credentials("of-bookings", "POST", url)) as reply:
        told = "has not the role send, nor send:access-logs; expected one that has"
        assert await reply.json() == {"error": f"token of-bookings {told}"}


@pytest.mark.parametrize("name", ["Authorization", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"])
async def test_a_header_that_says_who_asks_is_there_once(guarded, name: str):
    """A proxy may have looked at the other one."""
    address, session = guarded
    headers = CIMultiDict(credentials("editor", "", ""))
    headers.extend([(name, "none")] * (1 if name == "Authorization" else 2))
    async with session.get(f"{address}/tables", headers=headers) as reply:
        assert reply.status == 400
        assert await reply.json() == {"error": f"{name} is there more than once; expected it once"}


async def test_a_cookie_that_is_left_of_another_worker_hides_no_session(guarded):
    """Browsers send the cookies of a host to all its ports: a login at one of them would not count."""
    address, session = guarded
    known = app.context.authenticator.known
    (reader,) = (each for each in known.tokens.values() if each.name == "reader")
    kept = app.context.sessions.begin(reader, known)
    own, other = ("__Host-dataflow", "dataflow")[:: 1 if address.startswith("https") else -1]
    async with session.get(f"{address}/tables", headers={"Cookie": f"{other}=left; {own}={kept}"}) as reply:
        assert reply.status == 299


async def test_where_only_certificates_are_known_a_refusal_asks_for_one(tmp_path, monkeypatch):
    """It asked for an access file, which there was."""
    file = tmp_path / "access.toml"
    file.write_text('[certificates."edge.example"]\nroles = ["read"]\n')
    async for address, session in serving(monkeypatch, access_file=file):
        async with session.get(f"{address}/tables") as reply:
            assert reply.status == 403
            assert "expected one that the access file names, by HTTPS" in (await reply.json())["error"]


async def test_a_view_knows_who_asks(guarded):
    """What is changed has an author."""
    address, session = guarded
    async with session.get(f"{address}/tables", headers=credentials("editor", "", "")) as reply:
        assert await reply.json() == {"who": "token editor"}


@pytest.mark.parametrize(
    ("chosen", "who"),
    [
        ({"access_token": TOKENS["editor"]}, "token editor"),
        ({"worker_secret": SECRET}, "worker"),
        ({}, None),
        ({"worker_secret": "another secret of workers"}, None),
    ],
)
async def test_a_command_is_let_in_by_what_its_settings_say(
    guarded, chosen: dict[str, str], who: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whoever may run a worker needs no password to ask it; anybody else does."""
    address, _ = guarded
    settings = Settings(cache_dir=tmp_path, web_tls_ca_file=tmp_path / "ca.crt", **chosen)  # type: ignore[arg-type]
    monkeypatch.setattr("dataflow.settings.settings", lambda: settings)
    if who is not None:
        assert await asyncio.to_thread(ask, address, "tables", "a b/c", top="1") == {"who": who}
        assert await asyncio.to_thread(tell, address, "streams", "expedia", "resume") == {"who": who}
        return
    with pytest.raises(DataflowError, match="answers 401: Authorization is missing or wrong"):
        await asyncio.to_thread(ask, address, "tables")


async def test_a_view_that_was_added_past_the_routes_needs_the_strongest_role(guarded):
    """A Faust app may have views of its own; what has no role is not open."""
    assert await asked(guarded, "nobody", "GET", "/mine") == 401
    assert await asked(guarded, "editor", "GET", "/mine") == 403
    assert await asked(guarded, "admin", "GET", "/mine") == 299


async def test_a_path_that_does_not_exist_needs_no_role(guarded):
    """It is the same 404 to all, and tells nothing."""
    address, session = guarded
    for path, status in (("/nope", 404), ("/tables/../nope", 404)):
        async with session.get(f"{address}{path}") as reply:
            assert reply.status == status
    async with session.patch(f"{address}/tables") as reply:
        assert reply.status == 405
