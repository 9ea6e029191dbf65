"""The guard: an Authorization header and an address in; nothing out for who is let in, else a refusal."""

import asyncio
import base64
import binascii
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from http import HTTPStatus

from dataflow.sources.auth.login_delays import LoginDelays
from dataflow.sources.auth.secrets import fingerprint, is_password
from dataflow.sources.auth.watched_file import WatchedFile
from dataflow.sources.refusal import NotTaken, never, overloaded

REMEMBERED = 4_096
CHECKS_AT_ONCE = 2
"""Threads for bcrypt, which lets go of the interpreter."""

CHECKS_WAITING = 64

Remembering = tuple[bytes, int]
"""A keyed hash of the header that was right, and the version of the file it was right for."""


class Unauthorized(NotTaken):
    """Nobody that we know; `schemes` says how to show who one is."""

    def __init__(self, schemes: str) -> None:
        super().__init__(
            HTTPStatus.UNAUTHORIZED,
            f"Authorization is missing or wrong; expected {schemes} of a known sender",
        )
        self.schemes = schemes


class Guard:
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
        self._right: OrderedDict[Remembering, None] = OrderedDict()
        self._checks: dict[Remembering, asyncio.Task[bool]] = {}
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="bcrypt")

    @property
    def schemes(self) -> str:
        """The ways in."""
        given = {"Basic": self._users, "Bearer": self._tokens}
        return " or ".join(name for name, file in given.items() if file is not None)

    async def check(self, header: str | None, address: str) -> None:
        """Return if the sender is known; raise `NotTaken`: 401 or 403, or 429 for who has to wait."""
        if self._closed is not None:
            raise never(HTTPStatus.FORBIDDEN, self._closed)
        if self._users is None and self._tokens is None:
            return
        if header is None:
            raise Unauthorized(self.schemes)
        scheme, _, shown = header.partition(" ")
        match scheme.lower():
            case "bearer":
                known = self._tokens is not None and fingerprint(shown.strip()) in self._tokens.content
            case "basic":
                known = await self._is_user(shown.strip(), address)
            case _:
                known = False
        self._judge(known, address)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _judge(self, known: bool, address: str) -> None:
        if known:
            return
        wait = self.delays.wait_seconds(address)
        self.delays.failed(address)
        if wait:
            raise _slow_down(wait)
        raise Unauthorized(self.schemes)

    async def _is_user(self, shown: str, address: str) -> bool:
        if self._users is None:
            return False
        users = self._users.content
        right = (
            blake2b(shown.encode(errors="surrogateescape"), key=self._key, digest_size=32).digest(),
            self._users.version,
        )
        if right in self._right:  # whoever shares an address with a guesser is not slowed down
            self._right.move_to_end(right)
            return True
        wait = self.delays.wait_seconds(address)
        if wait:
            raise _slow_down(wait)
        known = await self._check_once(right, users, shown)
        if known:
            self.delays.succeeded(address)
            self._right[right] = None
            while len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return known

    async def _check_once(self, right: Remembering, users: Mapping[str, bytes], shown: str) -> bool:
        """Check a password that many requests may show at the same time."""
        check = self._checks.get(right)
        if check is None:
            if len(self._checks) >= CHECKS_WAITING:
                raise overloaded("too many passwords are being checked; expected fewer at once")
            check = self._checks[right] = asyncio.create_task(self._check(users, shown))
            check.add_done_callback(lambda _: self._checks.pop(right))
        return await asyncio.shield(check)

    async def _check(self, users: Mapping[str, bytes], shown: str) -> bool:
        try:
            user, colon, password = base64.b64decode(shown, validate=True).partition(b":")
            name = user.decode()
        except (binascii.Error, ValueError):
            return False
        if not colon or b"\0" in password:
            return False
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, is_password, users, name, password)


def _slow_down(wait: float) -> NotTaken:
    return overloaded("too many logins of this address have failed; expected a pause", retry_seconds=wait)
