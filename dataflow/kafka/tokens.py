"""Tokens: what SASL OAUTHBEARER shows to a broker, from a file or from a token endpoint."""

import asyncio
import base64
import json
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLContext
from time import monotonic
from typing import Final, Protocol
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError

from dataflow.logs import get_log

log = get_log(__name__)

TIMEOUT_SECONDS: Final = 10.0
MOST_BYTES: Final = 1 << 20
RENEWED_AT: Final = 0.8
"""After so much of its life a token is renewed: a broker that checks it later has to find it valid."""
RETRY_SECONDS: Final = 5.0
"""How long an endpoint that is away is not asked again, while the last token is valid."""


class TokenUnavailable(KafkaConnectionError):
    """There is no token to show; the message says why. It is waited for like a broker."""

    is_final = False
    """Whether only another setting helps."""


class TokenSource(Protocol):
    """Where a token comes from."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def current(self) -> str:
        """Return a token that is valid; it may block for a moment. Raises `TokenUnavailable`."""


class Tokens(AbstractTokenProvider):
    """Gives every Kafka client of a process the tokens of one source.

    The source is asked once at a time, by a thread that nobody else waits for: logins of all clients
    wait for its answer together, at most `TIMEOUT_SECONDS`, and so do they where none comes.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = threading.Lock()  # the consumer's loop has a thread of its own
        self._asking: Future[str] | None = None

    async def token(self) -> str:
        """Return a token, as aiokafka asks for it at each login."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asyncio.wrap_future(self._asked())
        except TimeoutError:
            raise TokenUnavailable(f"{self._source.name} does not answer in {TIMEOUT_SECONDS:g} s") from None

    def _asked(self) -> Future[str]:
        with self._lock:
            if self._asking is None or self._asking.done():
                self._asking = Future()
                self._asking.set_running_or_notify_cancel()  # else whoever waits no more would cancel it
                # No pool: its threads would be waited for by other work, and at the end of the process.
                threading.Thread(target=self._ask, args=[self._asking], name="token", daemon=True).start()
            return self._asking

    def _ask(self, asking: Future[str]) -> None:
        try:
            asking.set_result(self._source.current())
        except Exception as error:  # noqa: BLE001  # whoever waits gets it
            asking.set_exception(error)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file that somebody else keeps up to date, such as the kubelet."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"token file {self.path}"

    def current(self) -> str:
        """Return what is in the file now."""
        try:
            token = self.path.read_text("utf-8-sig").strip()
        except (OSError, ValueError) as error:
            raise TokenUnavailable(f"DATAFLOW_BROKER_TOKEN_FILE cannot be read: {error}") from error
        if not token:
            raise TokenUnavailable(
                f"DATAFLOW_BROKER_TOKEN_FILE is '{self.path}', which is empty; expected a token"
            )
        return token


class TokenEndpoint:
    """An OAuth token endpoint that is asked by a client's own credentials (RFC 6749, section 4.4)."""

    def __init__(self, url: str, client: str, secret: str, scope: str | None, context: SSLContext) -> None:
        grant = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        login = base64.b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Accept": "application/json"}
        self._request = Request(url, urlencode(grant).encode(), headers)  # noqa: S310  # settings take http(s) only
        self._open = build_opener(HTTPSHandler(context=context), _NoRedirect).open
        self._token, self._renew_at, self._ends_at = "", 0.0, 0.0

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"token endpoint {self._request.full_url}"

    def current(self) -> str:
        """Return the last token, or a new one if that ends soon; to its end while the endpoint is away."""
        begun = monotonic()
        if begun >= min(self._renew_at, self._ends_at):
            self._renew(begun)
        return self._token

    def _renew(self, begun: float) -> None:
        try:
            self._token, seconds = self._ask()
        except TokenUnavailable as error:
            left = self._ends_at - monotonic()
            if error.is_final or left <= 0:
                raise
            self._renew_at = monotonic() + RETRY_SECONDS
            log.warning(
                "Token cannot be renewed; showing the last one to its end.", reason=error, seconds=round(left)
            )
        else:
            self._renew_at, self._ends_at = begun + seconds * RENEWED_AT, begun + seconds

    def _ask(self) -> tuple[str, float]:
        try:
            with self._open(self._request, timeout=TIMEOUT_SECONDS) as response:
                answer = json.loads(response.read(MOST_BYTES))
            return str(answer["access_token"]), float(answer.get("expires_in", 0))
        except HTTPError as error:
            refusal = TokenUnavailable(
                f"{self.name} answers {error.code} ({_reason(error)}); expected a token for "
                "the client of DATAFLOW_BROKER_USERNAME and DATAFLOW_BROKER_PASSWORD"
            )
            refusal.is_final = error.code in (301, 302, 303, 307, 308, 400, 401, 403, 404)
            raise refusal from None  # it would be taken for an error of the broker
        except (OSError, HTTPException) as error:
            raise TokenUnavailable(
                f"{self.name} does not answer: {getattr(error, 'reason', error)}"
            ) from None
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise TokenUnavailable(
                f"{self.name} answers no token; expected JSON with access_token"
            ) from error


class _NoRedirect(HTTPRedirectHandler):
    """Follows nobody: the secret would be shown wherever an answer points, also in clear."""

    def redirect_request(self, *_: object) -> None:
        """Have the redirection be an error."""


def _reason(error: HTTPError) -> str:
    """Return what the endpoint says of an error, which has no secret in it (RFC 6749, section 5.2)."""
    try:
        with error:
            answer = json.loads(error.read(MOST_BYTES))
        return ": ".join(str(answer[name]) for name in ("error", "error_description") if name in answer)
    except (OSError, HTTPException, ValueError, TypeError):
        return error.reason


class BearerLogin(OAuthAuthenticator):
    """A login by a token; aiokafka's own takes a refusal for success, and is cut off by the next request."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        """Return what to send next, None when nothing is left to say."""
        if payload:  # the broker says what is wrong; after this it ends the login with an error (RFC 7628)
            return b"\x01", True
        said: tuple[bytes, bool] | None = await super().step(payload)
        return said


def _login(self: AIOKafkaConnection) -> BearerLogin:
    return BearerLogin(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


AIOKafkaConnection.authenticator_oauth = _login  # clients make their connections by themselves
