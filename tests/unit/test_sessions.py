"""Sessions: what a browser keeps is worth what its owner is worth now, and nobody else can make one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request

from dataflow.access.access_file import AccessList, Account
from dataflow.access.identity import Identity, IdentityKind, read_grants
from dataflow.access.sessions import SESSION_SECONDS, LoginSessions
from dataflow.web.session import routes

ANN = Identity(IdentityKind.USER, "ann", read_grants(["edit"], ()))
BOARD = Identity(IdentityKind.TOKEN, "board", read_grants(["read"], ()))
KNOWN = AccessList({"ann": Account(ANN, b"$2b$hash")}, {b"fingerprint": BOARD}, {})
SECRET = "a-secret-of-all-workers"


class Clock:
    """Says what it is told."""

    now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> LoginSessions:
    """Return the sessions of one worker."""
    return LoginSessions(SECRET, clock)


@pytest.mark.parametrize("identity", [ANN, BOARD])
def test_a_session_counts_at_every_worker_with_the_secret(
    sessions: LoginSessions, clock: Clock, identity: Identity
):
    """A load balancer sends each request of a page to another worker."""
    kept = sessions.begin(identity, KNOWN)
    assert sessions.owner(kept, KNOWN) == identity
    assert LoginSessions(SECRET, clock).owner(kept, KNOWN) == identity
    assert LoginSessions("another-secret-of-workers", clock).owner(kept, KNOWN) is None


def test_a_session_ends(sessions: LoginSessions, clock: Clock):
    """A browser that is left open somewhere is not open for good."""
    kept = sessions.begin(ANN, KNOWN)
    clock.now += SESSION_SECONDS - 1
    assert sessions.owner(kept, KNOWN) == ANN
    clock.now += 1
    assert sessions.owner(kept, KNOWN) is None


def test_a_session_ends_with_its_password_and_with_its_owner(sessions: LoginSessions):
    """Whoever has lost a password changes it, and whoever has stolen it is out."""
    kept, token = sessions.begin(ANN, KNOWN), sessions.begin(BOARD, KNOWN)
    renewed = AccessList({"ann": Account(ANN, b"$2b$other")}, {b"another": BOARD}, {})
    assert sessions.owner(kept, renewed) is None
    assert sessions.owner(token, renewed) is None
    assert sessions.owner(kept, AccessList({}, {}, {})) is None


def test_a_session_has_the_roles_of_now(sessions: LoginSessions):
    """Roles that are taken away are gone at once."""
    less = replace(ANN, grants=read_grants(["read"], ()))
    kept = sessions.begin(ANN, KNOWN)
    assert sessions.owner(kept, replace(KNOWN, users={"ann": Account(less, b"$2b$hash")})) == less


def test_a_session_that_is_altered_is_none(sessions: LoginSessions):
    """Each byte counts: of the name, of the time, of the signature."""
    parts = [urlsafe_b64decode(part) for part in sessions.begin(ANN, KNOWN).split(".")]
    for part, raw in enumerate(parts):
        for place in range(len(raw)):
            altered = [*parts]
            altered[part] = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            kept = ".".join(urlsafe_b64encode(each).decode() for each in altered)
            assert sessions.owner(kept, KNOWN) is None, (part, place)


@pytest.mark.parametrize("kept", ["", ".", "a.b", "ä.ö", "W10=.W10=", "e30=.e30=", "=" * 5_000, "\0"])
def test_what_is_no_session_is_none(sessions: LoginSessions, kept: str):
    """Anybody may send a cookie."""
    assert sessions.owner(kept, KNOWN) is None


async def test_who_logs_out_is_so_at_every_port_of_the_worker():
    """Cookies are of a host: whoever had logged in at the plain port as well stayed logged in there."""
    [route] = [each for each in routes if each.method == "delete"]
    cookies = (await route.respond(make_mocked_request("DELETE", "/session"))).cookies
    seen = {
        (name, cookie.value, cookie["max-age"], bool(cookie["secure"])) for name, cookie in cookies.items()
    }
    assert seen == {("dataflow", "", "0", False), ("__Host-dataflow", "", "0", True)}
