"""Tokens: what SASL OAUTHBEARER shows to a broker, from a file or from a token endpoint."""

import asyncio
import base64
import json
import threading
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLContext
from time import monotonic
from typing import Final, Protocol
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode
from urllib.request import Request, urlopen

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError

from dataflow.logs import get_log

log = get_log(__name__)

TIMEOUT_SECONDS: Final = 10.0
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

    def current(self) -> str:
        """Return a token that is valid; it may block for a moment. Raises `TokenUnavailable`."""


class Tokens(AbstractTokenProvider):
    """Gives every Kafka client of a process the tokens of one source."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        """Return a token, as aiokafka asks for it at each login."""
        return await asyncio.to_thread(self._source.current)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file that somebody else keeps up to date, such as the kubelet."""

    path: Path

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
        self._context = context
        self._lock = threading.Lock()  # the consumer has a thread of its own
        self._token, self._renew_at, self._ends_at = "", 0.0, 0.0

    def current(self) -> str:
        """Return the last token, or a new one if that ends soon; to its end while the endpoint is away."""
        with self._lock:
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
        where = f"token endpoint {self._request.full_url}"
        try:
            with urlopen(self._request, timeout=TIMEOUT_SECONDS, context=self._context) as response:  # noqa: S310  # as above
                answer = json.load(response)
            return str(answer["access_token"]), float(answer.get("expires_in", 0))
        except HTTPError as error:
            refusal = TokenUnavailable(
                f"{where} answers {error.code} ({_reason(error)}); expected a token for "
                "the client of DATAFLOW_BROKER_USERNAME and DATAFLOW_BROKER_PASSWORD"
            )
            refusal.is_final = error.code in (400, 401, 403, 404)
            raise refusal from None  # it would be taken for an error of the broker
        except (OSError, HTTPException) as error:
            raise TokenUnavailable(f"{where} does not answer: {getattr(error, 'reason', error)}") from None
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise TokenUnavailable(f"{where} answers no token; expected JSON with access_token") from error


def _reason(error: HTTPError) -> str:
    """Return what the endpoint says of an error, which has no secret in it (RFC 6749, section 5.2)."""
    try:
        answer = json.load(error)
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
