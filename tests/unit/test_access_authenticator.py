"""The authenticator: who is known, who has to wait, and that no password costs a tenth of a second twice."""

import asyncio
import base64
from functools import partial
from pathlib import Path
from time import thread_time

import bcrypt
import pytest

from dataflow.access.access_file import fingerprint, read_access_file
from dataflow.access.authenticator import Authenticator
from dataflow.access.identity import AccessRole, Credentials, Grants, Identity
from dataflow.access.login_delays import FREE_FAILURES, LoginDelays
from dataflow.access.passwords import check_password
from dataflow.access.worker_proof import CLOCK_SECONDS, Asked, proof_headers
from dataflow.http_error import HttpError
from dataflow.watched_files import LOOK_SECONDS, WatchedFile

HERE, THERE = "192.0.2.1", "192.0.2.2"
TOKEN = "0123456789abcdef-token"
SECRET = "secret of all workers"


class Clock:
    """Time that stands until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now


def hashed(password: str, cost: int = 4) -> str:
    """Return what htpasswd would write."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def basic(user: str, password: str) -> str:
    """Return a header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def save(path: Path, text: str) -> None:
    """Change the file."""
    path.write_text(text)


def users(**passwords: str) -> str:
    """Return a part of an access file."""
    return "".join(
        f'[users.{name}]\npassword = "{hashed}"\nroles = ["send"]\n' for name, hashed in passwords.items()
    )


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an access file with a user, a token and a certificate's name."""
    path = tmp_path / "access.toml"
    path.write_text(
        users(akamai=hashed("right"))
        + f'[tokens.edge]\nsha256 = "{fingerprint(TOKEN).hex()}"\nroles = ["send"]\n'
        + f'[tokens.short]\nsha256 = "{fingerprint("short").hex()}"\nroles = ["send"]\n'
        + '[certificates."edge.example"]\nroles = ["send"]\n'
    )
    return path


def reading(path: Path, clock: Clock) -> Authenticator:
    """Return an authenticator for a file."""
    read = partial(read_access_file, streams=["cdn-logs"])
    return Authenticator(WatchedFile(path, read, clock), SECRET, Grants(), LoginDelays(clock))


@pytest.fixture
def authenticator(path: Path, clock: Clock) -> Authenticator:
    """Return an authenticator for the file."""
    return reading(path, clock)


async def who(authenticator: Authenticator, header: str | None, address: str = HERE) -> str | int:
    """Return who a client is, or the status that it would get."""
    try:
        return str(await authenticator.identify(Credentials(address, header)))
    except HttpError as refusal:
        return int(refusal.status)


async def test_a_known_client_is_told_by_what_it_shows(authenticator: Authenticator):
    """By password, by token, or by a token in the place of a password, for senders that have Basic alone."""
    assert await who(authenticator, basic("akamai", "right")) == "user akamai"
    assert await who(authenticator, f"Bearer {TOKEN}") == "token edge"
    assert await who(authenticator, f"bearer   {TOKEN} ") == "token edge"
    assert await who(authenticator, basic("edge", TOKEN)) == "token edge"
    assert await who(authenticator, None) == "everybody"


async def test_a_certificate_counts_where_nothing_else_is_shown(authenticator: Authenticator):
    """Its names have been verified; a header is somebody's own word."""
    shown = partial(Credentials, HERE, certificate_names=("nobody", "edge.example"))
    assert str(await authenticator.identify(shown())) == "certificate edge.example"
    assert str(await authenticator.identify(shown(f"Bearer {TOKEN}"))) == "token edge"


@pytest.mark.parametrize(
    "header",
    [
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
        basic("somebody", TOKEN),
        f"Bearer {TOKEN}x",
        "Bearer short",
        "Bearer \udcff",
        "Digest username=akamai",
    ],
)
async def test_wrong_credentials_are_refused(authenticator: Authenticator, header: str):
    """And the client is told in which ways it could; nothing of a secret is shown."""
    with pytest.raises(
        HttpError, match=r"expected user and password \(Basic\) or a known token \(Bearer\)"
    ) as raised:
        await authenticator.identify(Credentials(HERE, header))
    assert raised.value.status == 401
    assert raised.value.schemes == ["Basic", "Bearer"]
    assert authenticator.delays.failures == 1


async def test_a_password_is_checked_once(authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch):
    """A check is slow on purpose: 2,500 senders show the same password at once, and for ever."""
    checked = []
    right = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *args: checked.append(args) or right(*args))
    header = basic("akamai", "right")
    assert set(await asyncio.gather(*(who(authenticator, header) for _ in range(500)))) == {"user akamai"}
    assert await who(authenticator, header) == "user akamai"
    assert len(checked) == 1


async def test_a_changed_file_is_taken_over(authenticator: Authenticator, path: Path, clock: Clock):
    """A password that was taken away must not live on in memory."""
    assert await who(authenticator, basic("akamai", "right")) == "user akamai"
    save(path, users(other=hashed("new")))
    clock.now += LOOK_SECONDS
    assert await who(authenticator, basic("akamai", "right")) == 401
    assert await who(authenticator, basic("other", "new")) == "user other"


def add_user(path: Path, name: str) -> None:
    """Write one more user into the file."""
    save(path, path.read_text() + users(**{name: hashed("new")}))


async def test_a_change_of_others_in_the_file_locks_out_nobody_who_is_known(
    authenticator: Authenticator, path: Path, clock: Clock
):
    """Behind a load balancer senders share an address with guessers, and each edit would lock them out."""
    assert await who(authenticator, basic("akamai", "right")) == "user akamai"
    add_user(path, "other")
    clock.now += LOOK_SECONDS
    for _ in range(FREE_FAILURES):
        authenticator.delays.failed(HERE)
    assert await who(authenticator, basic("other", "new")) == 429
    assert await who(authenticator, basic("akamai", "right")) == "user akamai"
    save(path, users(akamai=hashed("changed")))
    clock.now += LOOK_SECONDS
    assert await who(authenticator, basic("akamai", "right")) in (401, 429)


async def test_guessing_becomes_slow(authenticator: Authenticator, clock: Clock):
    """A wrong password costs us as much as the guesser."""
    statuses = [await who(authenticator, basic("akamai", f"guess {n}")) for n in range(FREE_FAILURES + 3)]
    assert statuses == [401] * FREE_FAILURES + [429] * 3
    with pytest.raises(HttpError) as raised:
        await authenticator.identify(Credentials(HERE, basic("akamai", "right")))
    assert raised.value.retry_seconds
    clock.now += raised.value.retry_seconds
    assert await who(authenticator, basic("akamai", "right")) == "user akamai"


async def test_guessing_slows_nobody_else(authenticator: Authenticator):
    """Neither another address nor, behind the same load balancer, who is known or has a token."""
    known = basic("akamai", "right")
    assert await who(authenticator, known) == "user akamai"
    for n in range(FREE_FAILURES + 1):
        await who(authenticator, basic("akamai", f"guess {n}"))
    assert await who(authenticator, basic("akamai", "guess"), HERE) == 429
    assert await who(authenticator, known, HERE) == "user akamai"
    assert await who(authenticator, basic("edge", TOKEN), HERE) == "token edge"
    assert await who(authenticator, basic("akamai", "guess"), THERE) == 401


def test_a_wrong_password_costs_the_same_whoever_the_user_is(tmp_path: Path):
    """A known user took 29 ms and an unknown one 494: the time told who is a user."""
    path = tmp_path / "access.toml"
    path.write_text(users(cheap=hashed("right", 5), middle=hashed("right", 8), dear=hashed("right", 10)))
    known = read_access_file(path, ["cdn-logs"])

    def cost(user: str) -> float:
        begun = thread_time()
        assert check_password(known, user, b"wrong") is None
        return thread_time() - begun

    costs = {user: min(cost(user) for _ in range(5)) for user in ("cheap", "middle", "dear", "nobody", "")}
    assert max(costs.values()) < 1.4 * min(costs.values()), costs
    assert str(check_password(known, "cheap", b"right")) == "user cheap"


async def test_hashing_does_not_hold_the_loop(tmp_path: Path, clock: Clock):
    """A check of a second in the loop would stop batches, answers and heartbeats."""
    path = tmp_path / "access.toml"
    path.write_text(users(dear=hashed("right", 12)))
    login = asyncio.create_task(who(reading(path, clock), basic("dear", "right")))
    turns = 0
    while not login.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert await login == "user dear"
    assert turns > 20


@pytest.mark.parametrize(
    ("change", "is_worker"),
    [
        ({}, True),
        ({"method": "POST"}, False),
        ({"host": "other:6066"}, False),
        ({"target": "/_query?x=2"}, False),
        ({"secret": "another secret of workers"}, False),
    ],
)
async def test_a_worker_is_known_by_a_proof_for_this_request_alone(
    authenticator: Authenticator, change: dict[str, str], is_worker: bool
):
    """Whoever overhears one, or makes a worker ask it, can do nothing else with it."""
    asked = {"method": "GET", "host": "127.0.0.1:6066", "target": "/_query?x=1"}
    header = proof_headers(change.get("secret", SECRET), "GET", "http://127.0.0.1:6066/_query?x=1")
    asked |= {name: text for name, text in change.items() if name in asked}
    shown = Credentials(HERE, header["Authorization"], Asked(**asked))
    identity = await authenticator.identify(shown)
    assert identity.may(AccessRole.WORKER) is is_worker
    assert identity.may(AccessRole.ADMIN) is is_worker


@pytest.mark.parametrize("age", [CLOCK_SECONDS + 5, -CLOCK_SECONDS - 5])
async def test_a_proof_is_good_for_a_few_minutes(
    authenticator: Authenticator, age: int, monkeypatch: pytest.MonkeyPatch
):
    """What was overheard is worth nothing later."""
    header = proof_headers(SECRET, "GET", "http://h/")
    import dataflow.access.worker_proof as module

    now = module.now_ms()
    monkeypatch.setattr(module, "now_ms", lambda: now + age * 1000)
    shown = Credentials(HERE, header["Authorization"], Asked("GET", "h", "/"))
    assert not (await authenticator.identify(shown)).may(AccessRole.WORKER)
    assert authenticator.clock_ahead(shown) == pytest.approx(-age, abs=5)


@pytest.mark.parametrize("shown", ["", ":", "x:y", "1:", "²:x", "9" * 5_000 + ":x", "1:\udcff", "-1:x"])
async def test_what_is_no_proof_is_everybody(authenticator: Authenticator, shown: str):
    """A command shows one to any worker; where all may read, it may, too."""
    identity = await authenticator.identify(Credentials(HERE, f"Worker {shown}", Asked("GET", "h", "/")))
    assert identity == authenticator.everybody


async def test_without_a_file_credentials_are_not_looked_at():
    """There is nobody to be known: what everybody may counts."""
    opened = Authenticator(None, SECRET, Grants(frozenset({AccessRole.READ})))
    identity: Identity = await opened.identify(Credentials(HERE, basic("x", "y")))
    assert identity.may(AccessRole.READ)
    assert not identity.may(AccessRole.SEND)
