"""Tokens: each is shown for most of its life, to all clients of a process, and no secret is in an error."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.token_endpoint import CLIENT, SECRET, token_endpoint, unsecured_token
from harness.token_endpoint import TokenEndpoint as Server

from dataflow.kafka.tokens import BearerLogin, TokenEndpoint, TokenFile, Tokens, TokenUnavailable
from dataflow.tls import client_context


@pytest.fixture
def server(tmp_path: Path) -> Iterator[type[Server]]:
    """Run a token endpoint."""
    with token_endpoint(tmp_path) as server:
        yield server


def source(server: type[Server], folder: Path, secret: str = SECRET) -> TokenEndpoint:
    """Return what asks that endpoint."""
    url = f"https://localhost:{server.port}/token"
    return TokenEndpoint(url, CLIENT, secret, "kafka", client_context(folder / "ca.crt"))


async def test_all_clients_show_one_token_until_it_is_nearly_over(server: type[Server], tmp_path: Path):
    """An authorization server would refuse a worker that asks for one at each of its connections."""
    tokens = Tokens(source(server, tmp_path))
    assert len({await tokens.token() for _ in range(3)}) == 1
    assert len(set(await asyncio.gather(*(tokens.token() for _ in range(3))))) == 1
    assert server.given == 1


def test_a_token_is_renewed_before_its_end(server: type[Server], tmp_path: Path):
    """A broker that checks it a moment later has to find it valid."""
    server.seconds = 1.0
    asked, begun = source(server, tmp_path), time.monotonic()
    first = asked.current()
    while asked.current() == first:
        assert time.monotonic() - begun < 30
        time.sleep(0.01)
    assert time.monotonic() - begun >= 0.8
    assert server.given == 2


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_token_without_a_life_is_shown_once(server: type[Server], tmp_path: Path, seconds: float):
    """Nobody has said how long it may be kept (`expires_in` is optional)."""
    server.seconds = seconds
    asked = source(server, tmp_path)
    asked.current()
    asked.current()
    assert server.given == 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock of one number, by which tokens grow old."""
    now = [1000.0]
    monkeypatch.setattr("dataflow.kafka.tokens.monotonic", lambda: now[0])
    return now


def test_a_token_is_shown_to_its_end_while_its_endpoint_is_away(
    server: type[Server], tmp_path: Path, clock: list[float]
):
    """Else a restarted broker would lock workers out for an outage that their tokens outlive."""
    server.seconds = 100.0
    asked = source(server, tmp_path)
    first = asked.current()
    server.is_away = True
    for clock[0] in (1081.0, 1082.0, 1085.9, 1086.0, 1099.9):
        assert asked.current() == first
    assert server.refused == 3, "a login would wait for it each time"
    clock[0] = 1100.0
    with pytest.raises(TokenUnavailable, match="does not answer") as raised:
        asked.current()
    assert not raised.value.is_final
    server.is_away = False
    assert asked.current() != first


def test_a_token_is_not_shown_any_more_once_its_client_is_refused(
    server: type[Server], tmp_path: Path, clock: list[float]
):
    """Whoever takes a client away means it; and a wrong secret is told at once, not when the token ends."""
    server.seconds = 100.0
    asked = source(server, tmp_path)
    asked.current()
    server.login = "of another secret"
    clock[0] = 1081.0
    for _ in range(2):
        with pytest.raises(TokenUnavailable, match="answers 401"):
            asked.current()


def test_a_refused_client_is_told_what_the_server_says(server: type[Server], tmp_path: Path):
    """Waiting does not end it, so a start ends by it; its secret is not in the words."""
    with pytest.raises(TokenUnavailable, match=r"answers 401 \(invalid_client: no such client\)") as raised:
        source(server, tmp_path, "guessed").current()
    assert raised.value.is_final
    assert "guessed" not in str(raised.value)


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the URL of an endpoint that takes connections and says nothing, as behind a firewall."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/token"


async def test_an_endpoint_that_is_silent_holds_up_nobody_else(silent: str, monkeypatch):
    """Each login took a thread of the pool for ten seconds, and sinks and passwords had none left."""
    monkeypatch.setattr("dataflow.kafka.tokens.TIMEOUT_SECONDS", 0.3)
    tokens = Tokens(TokenEndpoint(silent, CLIENT, SECRET, None, client_context(None)))
    before = threading.active_count()
    logins = [asyncio.create_task(tokens.token()) for _ in range(50)]
    await asyncio.sleep(0)
    assert threading.active_count() - before <= 1
    logins[0].cancel()  # a client that is stopped ends nobody else's login
    for told in (await asyncio.gather(*logins, return_exceptions=True))[1:]:
        assert isinstance(told, TokenUnavailable)
        assert "does not answer" in str(told)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_secret_goes_nowhere_else(server: type[Server], tmp_path: Path, status: int):
    """An answer may point anywhere, to plain HTTP, too; the login of the client went with it."""
    server.status = status
    with pytest.raises(TokenUnavailable, match=f"answers {status}") as raised:
        source(server, tmp_path).current()
    assert raised.value.is_final
    assert server.asked == ["/token"]


def test_a_file_is_read_each_time_and_names_what_is_wrong_with_it(tmp_path: Path):
    """The kubelet replaces it; between two versions it may be gone for a moment."""
    path = tmp_path / "token"
    file = TokenFile(path)
    for text in ("first", "second"):
        path.write_text(f"{text}\n")
        assert file.current() == text
    path.write_text(" \n")
    with pytest.raises(TokenUnavailable, match="which is empty; expected a token") as raised:
        file.current()
    path.unlink()
    with pytest.raises(TokenUnavailable, match=r"DATAFLOW_BROKER_TOKEN_FILE cannot be read: .*No such file"):
        file.current()
    assert not raised.value.is_final


async def test_a_login_answers_what_a_broker_says_against_a_token(tmp_path: Path):
    """A broker waits for that before it ends the login with an error; aiokafka took silence for success."""
    (tmp_path / "token").write_text(unsecured_token("ann", 60))
    login = BearerLogin(sasl_oauth_token_provider=Tokens(TokenFile(tmp_path / "token")))
    first = await login.step(None)
    assert first is not None
    assert first[0].startswith(b"n,,\x01auth=Bearer ")
    assert await login.step(b'{"status":"invalid_token"}') == (b"\x01", True)
    assert await login.step(b"") is None
