"""Worker client: asks a worker over HTTP for JSON."""

import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import BadStatusLine, HTTPException, HTTPMessage, HTTPResponse, IncompleteRead
from ssl import SSLCertVerificationError, SSLError
from typing import IO, Any, NoReturn, cast
from urllib.error import HTTPError
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit
from urllib.request import BaseHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

import orjson

from dataflow.errors import DataflowError
from dataflow.masking import masked_setting
from dataflow.printable import printable

TIMEOUT_SECONDS = 10.0
"""Until an answer begins, and until it ends."""
WORKER_THERE = "a worker of Dataflow there"


class _NoRedirects(HTTPRedirectHandler):
    """Shows credentials to nobody but the worker that was named."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none: the status is the answer."""


class NotReady(DataflowError):
    """The worker is not ready yet; ask again later."""


def address_of(worker: str | None) -> str:
    """Return the URL of a worker; for None of the one that the settings describe."""
    from dataflow.settings import settings

    if worker is not None:
        return worker
    scheme = "http" if settings().web_tls_cert_file is None else "https"
    return f"{scheme}://{settings().advertised_host}:{settings().web_port}"


def ask(worker: str, *path: str, **parameters: str | None) -> dict[str, Any]:
    """Return the JSON that a worker answers with; parameters that are None are left out.

    The worker may be ``http://user:password@host``; neither user nor password is in an error. Raises
    `NotReady` when no worker listens or it is recovering, and `DataflowError` with the error of the
    worker when it refuses.
    """
    return _send("GET", worker, path, {name: text for name, text in parameters.items() if text is not None})


def tell(worker: str, *path: str, **parameters: str) -> dict[str, Any]:
    """Have a worker do something. The worker may be as of `ask`; raises as that does."""
    return _send("POST", worker, path, parameters)


def _authorization(given: SplitResult, method: str, url: str) -> Mapping[str, str]:
    """Return what shows the worker who asks: what the URL says, the token of the settings, or the secret."""
    from dataflow.access.worker_proof import proof_headers
    from dataflow.access.worker_secret import secret_of_commands
    from dataflow.settings import settings

    if given.username is not None:
        credentials = f"{unquote(given.username)}:{unquote(given.password or '')}"
        return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
    token = settings().access_token
    if token is not None:
        return {"Authorization": f"Bearer {token.get_secret_value().strip()}"}
    secret = secret_of_commands(settings())
    return proof_headers(secret, method, url) if secret else {}


def _url(worker: str, path: Sequence[str], parameters: Mapping[str, str]) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return "/".join([worker.rstrip("/"), *(quote(part, safe="") for part in path)]) + query


def _parts(given: str) -> SplitResult:
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        host, port = b"", None
    if not host or port == 0 or parts.scheme not in ("http", "https"):
        told = f"address of the worker is '{printable(masked_setting(given))}'"
        raise DataflowError(f"{told}; expected http://host:port, or https://host:port")
    return parts


def _send(method: str, given: str, path: Sequence[str], parameters: Mapping[str, str]) -> dict[str, Any]:
    parts = _parts(given)
    worker = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    url = _url(worker, path, parameters)
    # No proxy: a worker is on this machine or in this cluster.
    handlers: list[BaseHandler] = [ProxyHandler({}), _NoRedirects()]
    if url.startswith("https:"):
        from dataflow.settings import settings
        from dataflow.tls import client_context

        handlers.append(HTTPSHandler(context=client_context(settings().web_tls_ca_file)))
    headers = {"Content-Type": "application/json", **_authorization(parts, method, url)}
    body = b"" if method == "POST" else None
    request = Request(url, body, headers)  # noqa: S310  # the operator says which worker is asked
    try:
        with build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _Answer(url, _read(answer))
    except HTTPError as error:
        fault = NotReady if error.code == 503 else DataflowError
        raise fault(f"worker at {worker} answers {error.code}: {_error_text(error)}") from error
    except (HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        why = printable(str(getattr(reason, "strerror", None) or reason).strip())
        raise NotReady(f"worker at {worker} does not answer ({why}); expected {_expected(reason)}") from error


class _Answer(dict[str, Any]):
    """What a worker answers; a missing part is a `DataflowError`, for another program may listen there."""

    def __init__(self, url: str, body: bytes) -> None:
        """Read a body; raise `DataflowError` if it is no JSON object."""
        self._url = url
        content = None
        with suppress(ValueError):
            content = orjson.loads(body)
        if not isinstance(content, dict):
            raise DataflowError(f"answer of {url} is no JSON object; expected {WORKER_THERE}")
        super().__init__(content)

    def __missing__(self, name: str) -> NoReturn:
        raise DataflowError(
            f"answer of {self._url} has no '{name}'; expected {WORKER_THERE}, of this release"
        )


def _read(answer: HTTPResponse) -> bytes:
    """Return the body; raise `TimeoutError` if it comes too slowly, and `IncompleteRead` if it is cut off."""
    until, body = time.monotonic() + TIMEOUT_SECONDS, bytearray()
    while piece := answer.read1():
        body += piece
        if time.monotonic() > until:
            raise TimeoutError("timed out")
    if answer.length:
        raise IncompleteRead(bytes(body), answer.length)
    return bytes(body)


def _expected(reason: object) -> str:
    """Return what an operator can do for a connection that has failed."""
    if isinstance(reason, SSLCertVerificationError):
        return (
            "a certificate for that name, by a CA of DATAFLOW_WEB_TLS_CA_FILE, or of this system without it"
        )
    if isinstance(reason, SSLError):
        return "HTTPS there; a worker without DATAFLOW_WEB_TLS_CERT_FILE has http://"
    if isinstance(reason, IncompleteRead):
        return "all of its answer: ask again, and see its log"
    if isinstance(reason, BadStatusLine | ConnectionResetError):
        return "HTTP there; a worker with DATAFLOW_WEB_TLS_CERT_FILE has https://"
    return "a running one: start `dataflow demo` or `dataflow worker`, or name another with --url"


def _error_text(error: HTTPError) -> str:
    """Return what a worker says; without that, something else has answered, such as a proxy with HTML."""
    with error, suppress(ValueError, HTTPException, OSError):
        content = orjson.loads(_read(cast("HTTPResponse", error.fp)))
        if isinstance(content, dict) and "error" in content:
            return printable(str(content["error"]))
    return f"{printable(str(error.reason))}; expected {WORKER_THERE}"
