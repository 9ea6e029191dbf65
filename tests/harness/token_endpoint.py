"""A token endpoint: gives tokens, which are not signed, to a client that has the right secret."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

from harness.https_server import https_server

CLIENT, SECRET = "worker", "secret: 100%"
LOGIN = base64.b64encode(b"worker:secret%3A+100%25").decode()  # encoded as in a form (RFC 6749, 2.3.1)


def unsecured_token(subject: str, seconds: float) -> str:
    """Return a JSON web token that is valid for so long."""
    now = time.time()
    claims = {"sub": subject, "iat": now, "exp": now + seconds}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({"alg": "none"}, claims))
    return b".".join(part.rstrip(b"=") for part in parts).decode() + "."


class TokenEndpoint(BaseHTTPRequestHandler):
    """Answers as an authorization server does."""

    port: int
    seconds = 3600.0
    """How long its tokens are valid."""
    given = 0
    """How many it has given."""
    is_away = False
    """Whether it answers nobody."""
    refused = 0
    """How often it was asked while it was away."""
    status = 200
    """Another one is an answer without a token, which points elsewhere."""
    asked: list[str]
    """The paths that it was asked for."""
    login = LOGIN
    """What its client has to show."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://localhost:{self.port}/token"

    def do_POST(self) -> None:
        """Give a token."""
        self.asked.append(self.path)
        if self.status != 200:
            return self._answer(self.status, {"error": "elsewhere"})
        if self.is_away:
            type(self).refused += 1
            self.close_connection = True
            return None
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if asked.get("grant_type") != ["client_credentials"] or asked.get("scope") != ["kafka"]:
            return self._answer(400, {"error": "invalid_scope"})
        if self.headers["Authorization"] != f"Basic {self.login}":
            return self._answer(401, {"error": "invalid_client", "error_description": "no such client"})
        type(self).given += 1
        token = unsecured_token("token", self.seconds)
        return self._answer(200, {"access_token": token, "expires_in": self.seconds})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        self.send_response(status)
        if status in range(300, 400):
            self.send_header("Location", f"https://localhost:{self.port}/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self) -> None:
        """Note what a client asks for that has followed."""
        self.asked.append(self.path)
        self._answer(200, {"access_token": "followed"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def token_endpoint(folder: Path) -> Iterator[type[TokenEndpoint]]:
    """Run one; it is trusted by `ca.crt` of the folder."""
    handler: type[TokenEndpoint] = type("Handler", (TokenEndpoint,), {"asked": []})
    with https_server(folder, handler) as handler.port:
        yield handler
