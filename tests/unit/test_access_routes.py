"""Access: every route asked by every kind of client; docs/security.md says who gets in."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness.certificates import Authority
from harness.served_routes import TOKENS, access_file, asked, credentials, serving

from dataflow.access.access_file import fingerprint
from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.web.browsers import PROBES
from dataflow.web.routes import ALL

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
TABLE: Mapping[tuple[str, str], str] = {
    (method, path): role
    for method, path, role in re.findall(r"^\| `(\w+) (/\S*)` \| (\w+) \|$", DOCS.read_text(), re.MULTILINE)
}
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
