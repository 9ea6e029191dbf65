"""The authenticator: who is let in, who has to wait, and that no password costs a tenth of a second twice."""

import asyncio
import base64
from pathlib import Path

import bcrypt
import pytest

from dataflow.engine.address import is_loopback
from dataflow.errors import Misconfigured
from dataflow.http_error import HttpError
from dataflow.settings import Settings
from dataflow.sources.auth.auth_config import create_authenticator
from dataflow.sources.auth.authenticator import Authenticator
from dataflow.sources.auth.login_delays import ADDRESSES, FREE_FAILURES, LONGEST_SECONDS, LoginDelays
from dataflow.sources.auth.secrets import fingerprint, is_password, read_htpasswd, read_tokens
from dataflow.watched_files import LOOK_SECONDS, WatchedFile

HERE, THERE = "192.0.2.1", "192.0.2.2"
TOKEN = "0123456789abcdef-token"


class Clock:
    """Time that stands until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now


def hashed(password: str) -> str:
    """Return what htpasswd would write."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> str:
    """Return a header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def save(path: Path, text: str | None) -> None:
    """Change the file; None takes it away."""
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def htpasswd(tmp_path: Path) -> Path:
    """Return a file with one user."""
    path = tmp_path / "htpasswd"
    path.write_text(f"# senders\nakamai:{hashed('right')}\n")
    return path


@pytest.fixture
def authenticator(htpasswd: Path, tmp_path: Path, clock: Clock):
    """Return an authenticator with a user and a token."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    made = Authenticator(
        WatchedFile(htpasswd, read_htpasswd, clock),
        WatchedFile(tokens, read_tokens, clock),
        LoginDelays(clock),
    )
    yield made
    made.close()


async def status_of(authenticator: Authenticator, header: str | None, address: str = HERE) -> int:
    """Return the status that a sender would get."""
    try:
        await authenticator.check(header, address)
    except HttpError as refusal:
        return refusal.status
    return 200


async def test_a_known_sender_is_let_in(authenticator: Authenticator):
    """By password or by token."""
    assert await status_of(authenticator, basic("akamai", "right")) == 200
    assert await status_of(authenticator, f"Bearer {TOKEN}") == 200
    assert await status_of(authenticator, f"bearer   {TOKEN} ") == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        basic("akamai", "wrong"),
        basic("akamai", ""),
        basic("akamai", "right\0"),
        basic("akamai", "r" * 10_000),
        basic("somebody", "right"),
        f"Bearer {TOKEN}x",
        "Bearer \udcff",
        "Digest username=akamai",
    ],
)
async def test_everybody_else_is_not(authenticator: Authenticator, header: str | None):
    """And it is told in which ways it could."""
    with pytest.raises(HttpError) as raised:
        await authenticator.check(header, HERE)
    assert raised.value.status == 401
    assert raised.value.schemes == ["Basic", "Bearer"]
    assert "expected Basic or Bearer of a known sender" in str(raised.value)


async def test_no_refusal_shows_a_secret(authenticator: Authenticator):
    """Answers end up in logs of the sender."""
    for header in (basic("akamai", "s3cret"), "Bearer s3cret"):
        with pytest.raises(HttpError) as raised:
            await authenticator.check(header, HERE)
        assert "s3cret" not in str(raised.value)


async def test_a_password_is_checked_once(authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch):
    """A check is slow on purpose: 2,500 senders show the same password at once, and for ever."""
    checked = []
    right = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *args: checked.append(args) or right(*args))
    header = basic("akamai", "right")
    assert set(await asyncio.gather(*(status_of(authenticator, header) for _ in range(500)))) == {200}
    assert await status_of(authenticator, header) == 200
    assert len(checked) == 1


async def test_a_changed_file_is_taken_over(authenticator: Authenticator, htpasswd: Path, clock: Clock):
    """A password that was taken away must not live on in memory."""
    assert await status_of(authenticator, basic("akamai", "right")) == 200
    save(htpasswd, f"other:{hashed('new')}\nthird:{hashed('x')}\n")
    clock.now += LOOK_SECONDS
    assert await status_of(authenticator, basic("akamai", "right")) == 401
    assert await status_of(authenticator, basic("other", "new")) == 200


async def test_a_broken_file_changes_nothing(
    authenticator: Authenticator, htpasswd: Path, clock: Clock, caplog
):
    """An editor may save half a file; and what stands in it is no one's business."""
    save(htpasswd, "akamai:plain-s3cret\n")
    clock.now += LOOK_SECONDS
    assert await status_of(authenticator, basic("akamai", "right")) == 200
    save(htpasswd, None)
    clock.now += LOOK_SECONDS
    assert await status_of(authenticator, basic("akamai", "right")) == 200
    assert "line 1" in caplog.text
    assert "s3cret" not in caplog.text


async def test_guessing_becomes_slow(authenticator: Authenticator, clock: Clock):
    """A wrong password costs us as much as the guesser."""
    statuses = [
        await status_of(authenticator, basic("akamai", f"guess {n}")) for n in range(FREE_FAILURES + 3)
    ]
    assert statuses == [401] * FREE_FAILURES + [429] * 3
    with pytest.raises(HttpError) as raised:
        await authenticator.check(basic("akamai", "right"), HERE)
    assert raised.value.retry_seconds
    clock.now += raised.value.retry_seconds
    assert await status_of(authenticator, basic("akamai", "right")) == 200


async def test_guessing_slows_nobody_else(authenticator: Authenticator):
    """Neither another address nor, behind the same load balancer, a sender that is known already."""
    known = basic("akamai", "right")
    assert await status_of(authenticator, known) == 200
    for n in range(FREE_FAILURES + 1):
        await status_of(authenticator, basic("akamai", f"guess {n}"))
    assert await status_of(authenticator, basic("akamai", "guess"), HERE) == 429
    assert await status_of(authenticator, known, HERE) == 200
    assert await status_of(authenticator, basic("akamai", "guess"), THERE) == 401


async def test_failures_are_counted(authenticator: Authenticator):
    """Somebody should see that there is guessing."""
    for header in (basic("akamai", "wrong"), "Bearer wrong"):
        await status_of(authenticator, header)
    assert authenticator.delays.failures == 2


def test_the_wait_doubles_up_to_a_bound_and_is_forgotten(clock: Clock):
    """Ten minutes later it may be somebody else's address."""
    delays, waits = LoginDelays(clock), []
    for _ in range(20):
        delays.failed(HERE)
        waits.append(delays.wait_seconds(HERE))
    assert waits[: FREE_FAILURES - 1] == [0.0] * (FREE_FAILURES - 1)
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 2] == [0.5, 1.0, 2.0]
    assert waits[-1] == LONGEST_SECONDS
    clock.now += 601
    delays.failed(HERE)
    assert delays.wait_seconds(HERE) == 0.0


def test_memory_is_bounded_whoever_guesses(clock: Clock):
    """An attacker has more addresses than we have memory."""
    delays = LoginDelays(clock)
    for number in range(ADDRESSES + 500):
        delays.failed(str(number))
    assert len(delays._failed) == ADDRESSES


def test_htpasswd_of_apache_is_read(tmp_path: Path):
    """`htpasswd -B` writes 2y."""
    path = tmp_path / "htpasswd"
    path.write_text("\n# comment\nbob:" + hashed("secret").replace("$2b$", "$2y$") + "\n")
    users = read_htpasswd(path)
    assert is_password(users, "bob", b"secret")
    assert not is_password(users, "bob", b"Secret")
    assert not is_password(users, "eve", b"secret")


@pytest.mark.parametrize(
    "line",
    [
        "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "bob:$apr1$x$y",
        "bob:plain",
        "bob",
        ":" + "$2b$04$" + "a" * 53,
    ],
)
def test_a_weaker_hash_is_refused_by_line(tmp_path: Path, line: str):
    """And the message shows nothing of it."""
    path = tmp_path / "htpasswd"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(Misconfigured, match=r"line 2 of .* is not user:bcrypt") as raised:
        read_htpasswd(path)
    assert line not in str(raised.value)


@pytest.mark.parametrize(("text", "message"), [("", "names no token"), ("short\n", "is 5 characters long")])
def test_tokens_have_to_be_there_and_long_enough(tmp_path: Path, text: str, message: str):
    """A token that can be guessed is no token."""
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=message):
        read_tokens(path)


def test_a_token_is_kept_as_its_fingerprint(tmp_path: Path):
    """A memory dump should hold none."""
    path = tmp_path / "tokens"
    path.write_text(TOKEN)
    assert read_tokens(path) == {fingerprint(TOKEN)}


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_address(host: str, yes: bool):
    """Any other address is reached by others."""
    assert is_loopback(host) is yes


async def test_without_any_setting_nobody_is_let_in():
    """A door stands open because somebody said so, never because a file was forgotten."""
    closed = create_authenticator(Settings(web_host="127.0.0.1"))
    with pytest.raises(HttpError, match="expected DATAFLOW_INGEST_HTPASSWD_FILE") as refusal:
        await closed.check("Basic eDp5", "127.0.0.1")
    assert refusal.value.status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_an_open_door_lets_everybody_in_and_warns(host: str, caplog):
    """Who looks for the reason of strange events finds it in the log."""
    assert await status_of(create_authenticator(Settings(web_host=host, ingest_open=True)), None) == 200
    assert "Anybody who reaches this worker may send" in caplog.text
    assert f"host={host}" in caplog.text


def test_where_others_reach_it_somebody_has_to_be_let_in():
    """A worker in a cluster that refuses all its senders would lose what they send."""
    with pytest.raises(Misconfigured, match=r"0\.0\.0\.0.*expected DATAFLOW_INGEST_HTPASSWD_FILE"):
        create_authenticator(Settings(web_host="0.0.0.0"))


def test_open_and_guarded_at_once_is_a_mistake(htpasswd: Path):
    """One of the two settings does not mean what it says."""
    with pytest.raises(Misconfigured, match="DATAFLOW_INGEST_OPEN is 'true'"):
        create_authenticator(Settings(web_host="0.0.0.0", ingest_htpasswd_file=htpasswd, ingest_open=True))
