"""The authenticator: finds out who a client is; a password is checked once, guesses slowly."""

import asyncio
import base64
import binascii
import os
import secrets
import sys
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from dataflow.access.access_file import AccessList, fingerprint
from dataflow.access.check_turns import CHECKS_AT_ONCE, CheckTurns
from dataflow.access.identity import OTHER_WORKER, Credentials, Grants, Identity, IdentityKind
from dataflow.access.login_delays import LoginDelays
from dataflow.access.passwords import check_password
from dataflow.access.worker_proof import CLOCK_SECONDS, SCHEME, seconds_ahead
from dataflow.http_error import HttpError, overloaded, unauthorized
from dataflow.watched_files import WatchedFile

CACHED = 4_096
SHORTEST_TOKEN = 16
NICENESS = 10

CheckKey = tuple[bytes, int]
"""A keyed hash of what was shown, and the version of the file that it is checked against."""


class Authenticator:
    """Knows users, tokens and certificates by the access file, and other workers by their secret."""

    def __init__(
        self,
        file: WatchedFile[AccessList] | None,
        worker_secret: str,
        everybody: Grants,
        delays: LoginDelays | None = None,
    ) -> None:
        self.everybody = Identity(IdentityKind.EVERYBODY, "", everybody)
        self.delays = delays or LoginDelays()
        self._file = file
        self._worker_secret = worker_secret
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, bytes] = OrderedDict()
        """What was right, as a keyed hash, and the hash in the file that it fits."""
        self._checks: dict[CheckKey, asyncio.Task[Identity | None]] = {}
        self._turns = CheckTurns(self.delays)
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="bcrypt", initializer=_be_nice)

    @property
    def known(self) -> AccessList:
        """Who is known at this moment."""
        return AccessList({}, {}, {}) if self._file is None else self._file.latest()

    async def identify(self, shown: Credentials) -> Identity:
        """Return who a client is; raise `HttpError`: 401 for wrong credentials, 429 for who has to wait."""
        known = self.known
        if shown.authorization is not None:
            scheme, _, value = shown.authorization.partition(" ")
            if scheme.lower() == SCHEME:  # of a worker, or of a command, which anybody may run
                ahead = self.clock_ahead(shown)
                return OTHER_WORKER if ahead is not None and abs(ahead) <= CLOCK_SECONDS else self.everybody
            if self._file is not None:
                return await self._by_header(known, scheme.lower(), value.strip(), shown.address)
        for name in shown.certificate_names:
            if name in known.certificates:
                return known.certificates[name]
        return self.everybody

    def clock_ahead(self, shown: Credentials) -> float | None:
        """Return by how many seconds a worker's or command's proof is of the future; None without a proof."""
        scheme, _, value = (shown.authorization or "").partition(" ")
        if scheme.lower() != SCHEME or shown.asked is None:
            return None
        return seconds_ahead(value, self._worker_secret, shown.asked)

    async def log_in(self, user: str, password: str, address: str) -> Identity:
        """Return the user whose password this is; raise `HttpError` as `identify`."""
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        return await self.identify(Credentials(address, f"Basic {credentials}"))

    async def _by_header(self, known: AccessList, scheme: str, value: str, address: str) -> Identity:
        match scheme:
            case "bearer":
                identity = _owner_of(known, value)
            case "basic":
                identity = await self._by_password(known, value, address)
            case _:
                identity = None
        if identity is not None:
            return identity
        wait = self.delays.wait_seconds(address)
        self.delays.failed(address)
        raise _slow_down(wait) if wait else unauthorized(known.schemes)

    async def _by_password(self, known: AccessList, value: str, address: str) -> Identity | None:
        assert self._file is not None
        digest = blake2b(value.encode(errors="surrogateescape"), key=self._key, digest_size=32).digest()
        pair = _user_and_password(value)
        if pair is None:
            return None
        account = known.users.get(pair[0])
        if account is not None and self._right.get(digest) == account.hashed:
            self._right.move_to_end(digest)  # whoever shares an address with a guesser is not slowed down
            return account.identity
        of_token = _owner_of(known, pair[1].decode(errors="surrogateescape"))
        if of_token is not None and of_token.name == pair[0]:
            return of_token  # for senders that have Basic alone: nobody's guesses hold it up
        if wait := self.delays.wait_seconds(address):
            raise _slow_down(wait)
        identity = await self._check_once((digest, self._file.version), known, pair, address)
        if account is not None and identity is not None:
            self.delays.succeeded(address)
            self._right[digest] = account.hashed
            while len(self._right) > CACHED:
                self._right.popitem(last=False)
        return identity

    async def _check_once(
        self, check_key: CheckKey, known: AccessList, pair: tuple[str, bytes], address: str
    ) -> Identity | None:
        """Check a password that many requests may show at the same time."""
        check = self._checks.get(check_key)
        if check is None:
            check = self._checks[check_key] = asyncio.create_task(self._check(known, pair, address))
            check.add_done_callback(lambda _: self._checks.pop(check_key))
        return await asyncio.shield(check)

    async def _check(self, known: AccessList, pair: tuple[str, bytes], address: str) -> Identity | None:
        async with self._turns.turn(address):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, check_password, known, *pair)


def _owner_of(known: AccessList, token: str) -> Identity | None:
    return known.tokens.get(fingerprint(token)) if len(token) >= SHORTEST_TOKEN else None


def _user_and_password(credentials: str) -> tuple[str, bytes] | None:
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon and b"\0" not in password else None


def _slow_down(wait: float) -> HttpError:
    return overloaded("too many logins of this address have failed; expected a pause", retry_seconds=wait)


def _be_nice() -> None:
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
