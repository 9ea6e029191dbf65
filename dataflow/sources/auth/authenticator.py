"""The authenticator: checks the Authorization header of a request; passwords once, guesses slowly."""

import asyncio
import base64
import binascii
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from http import HTTPStatus

from dataflow.http_error import HttpError, overloaded, unauthorized
from dataflow.sources.auth.login_delays import LoginDelays
from dataflow.sources.auth.secrets import fingerprint, is_password
from dataflow.watched_files import WatchedFile

CACHED = 4_096
CHECKS_AT_ONCE = 2  # threads for bcrypt, which lets go of the interpreter

MAX_CHECKS = 64

CacheKey = tuple[bytes, int]
"""A keyed hash of the header that was right, and the version of the file that it was checked against."""


class Authenticator:
    """Lets senders in by password or token; with neither file everybody, or nobody for a reason."""

    def __init__(
        self,
        users: WatchedFile[Mapping[str, bytes]] | None,
        tokens: WatchedFile[frozenset[bytes]] | None,
        delays: LoginDelays | None = None,
        *,
        closed: str | None = None,
    ) -> None:
        self.delays = delays or LoginDelays()
        self._users = users
        self._tokens = tokens
        self._closed = closed
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[CacheKey, None] = OrderedDict()
        self._checks: dict[CacheKey, asyncio.Task[bool]] = {}
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="bcrypt")

    @property
    def schemes(self) -> list[str]:
        """How clients can authenticate."""
        files = {"Basic": self._users, "Bearer": self._tokens}
        return [scheme for scheme, file in files.items() if file is not None]

    async def check(self, header: str | None, address: str) -> None:
        """Return if the sender is known; raise `HttpError`: 401 or 403, or 429 for who has to wait."""
        if self._closed is not None:
            raise HttpError(HTTPStatus.FORBIDDEN, self._closed)
        if self._users is None and self._tokens is None:
            return
        if header is None:
            raise unauthorized(self.schemes)
        scheme, _, credentials = header.partition(" ")
        match scheme.lower():
            case "bearer":
                known = self._tokens is not None and fingerprint(credentials.strip()) in self._tokens.latest()
            case "basic":
                known = await self._is_user(credentials.strip(), address)
            case _:
                known = False
        if known:
            return
        wait = self.delays.wait_seconds(address)
        self.delays.failed(address)
        raise _slow_down(wait) if wait else unauthorized(self.schemes)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _is_user(self, credentials: str, address: str) -> bool:
        if self._users is None:
            return False
        users = self._users.latest()
        cache_key = (
            blake2b(credentials.encode(errors="surrogateescape"), key=self._key, digest_size=32).digest(),
            self._users.version,
        )
        if cache_key in self._known:  # whoever shares an address with a guesser is not slowed down
            self._known.move_to_end(cache_key)
            return True
        wait = self.delays.wait_seconds(address)
        if wait:
            raise _slow_down(wait)
        known = await self._check_once(cache_key, users, credentials)
        if known:
            self.delays.succeeded(address)
            self._known[cache_key] = None
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
        return known

    async def _check_once(self, cache_key: CacheKey, users: Mapping[str, bytes], credentials: str) -> bool:
        """Check a password that many requests may show at the same time."""
        check = self._checks.get(cache_key)
        if check is None:
            if len(self._checks) >= MAX_CHECKS:
                raise overloaded("too many passwords are being checked; expected fewer at once")
            check = self._checks[cache_key] = asyncio.create_task(self._check(users, credentials))
            check.add_done_callback(lambda _: self._checks.pop(cache_key))
        return await asyncio.shield(check)

    async def _check(self, users: Mapping[str, bytes], credentials: str) -> bool:
        try:
            user, colon, password = base64.b64decode(credentials, validate=True).partition(b":")
            name = user.decode()
        except (binascii.Error, ValueError):
            return False
        if not colon or b"\0" in password:
            return False
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, is_password, users, name, password)


def _slow_down(wait: float) -> HttpError:
    return overloaded("too many logins of this address have failed; expected a pause", retry_seconds=wait)
