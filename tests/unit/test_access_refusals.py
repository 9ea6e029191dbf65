"""Access: what a refusal says, and what else than the role of a route decides who is let in."""

import asyncio
from pathlib import Path

import pytest
from harness.certificates import Authority
from harness.served_routes import SECRET, TOKENS, access_file, asked, credentials, serving
from multidict import CIMultiDict

from dataflow.access import worker_proof
from dataflow.app import app
from dataflow.cli.worker_client import ask, tell
from dataflow.errors import DataflowError
from dataflow.settings import Settings


@pytest.fixture(params=["http", "https"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return where a worker with an access file serves, and a session."""
    Authority(tmp_path, "ca").issue("server")
    certificates = tmp_path if request.param == "https" else None
    async for served in serving(monkeypatch, certificates, access_file=access_file(tmp_path)):
        yield served


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


@pytest.mark.parametrize(("ahead", "where"), [(3_600, "ahead of"), (-3_600, "behind")])
async def test_a_worker_of_another_clock_is_told_so(guarded, ahead: int, where: str, monkeypatch):
    """It was told to set the same secret, which it had: an operator looked at the wrong thing."""
    address, session = guarded
    here = worker_proof.now_ms
    for method, path in (("POST", "/_query"), ("GET", "/tables")):
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(worker_proof, "now_ms", lambda: here() + ahead * 1000)
            headers = worker_proof.proof_headers(SECRET, method, f"{address}{path}")
        async with session.request(method, f"{address}{path}", headers=headers) as reply:
            assert reply.status == 403
            assert f"3,600 s {where} that of this worker; expected" in (await reply.json())["error"], path


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
