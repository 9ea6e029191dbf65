"""Worker client: asks a worker over HTTP for JSON."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode, urlsplit
from urllib.request import BaseHandler, HTTPSHandler, ProxyHandler, Request, build_opener

import orjson

from dataflow.errors import DataflowError
from dataflow.printable import printable

TIMEOUT_SECONDS = 10.0


class NotReady(DataflowError):
    """The worker is not ready yet; ask again later."""


def address_of(worker: str | None) -> str:
    """Return the URL of a worker; for None of the one that the settings describe."""
    from dataflow.settings import settings

    scheme = "http" if settings().web_tls_cert_file is None else "https"
    return worker or f"{scheme}://{settings().advertised_host}:{settings().web_port}"


def ask(worker: str, *path: str, **parameters: str | None) -> dict[str, Any]:
    """Return the JSON that a worker answers with; parameters that are None are left out.

    The worker may be ``http://user:password@host``; neither user nor password is in an error. Raises
    `NotReady` when no worker listens or it is recovering, and `DataflowError` with the error of the
    worker when it refuses.
    """
    given = {name: text for name, text in parameters.items() if text is not None}
    address, headers = _login_of(worker)
    return _send(address, _url(address, path, given), None, headers)


def tell(worker: str, *path: str, **parameters: str) -> dict[str, Any]:
    """Have a worker do something. The worker may be as of `ask`; raises as that does."""
    address, headers = _login_of(worker)
    return _send(address, _url(address, path, parameters), b"", headers)


def _login_of(worker: str) -> tuple[str, list[tuple[str, str]]]:
    """Split a URL into one without a login, and the header that has the login in its place."""
    given = urlsplit(worker)
    address = given._replace(netloc=given.netloc.rpartition("@")[2]).geturl()
    if given.username is None:
        return address, []
    login = f"{unquote(given.username)}:{unquote(given.password or '')}"
    return address, [("Authorization", f"Basic {b64encode(login.encode()).decode()}")]


def _url(worker: str, path: Sequence[str], parameters: Mapping[str, str]) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return "/".join([worker.rstrip("/"), *(quote(part, safe="") for part in path)]) + query


def _send(worker: str, url: str, body: bytes | None, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    handlers: list[BaseHandler] = [ProxyHandler({})]  # a worker is on this machine or in this cluster
    if url.startswith("https:"):
        from dataflow.settings import settings
        from dataflow.tls import client_context

        handlers.append(HTTPSHandler(context=client_context(settings().web_tls_ca_file)))
    given = {"Content-Type": "application/json", **dict(headers)}
    request = Request(url, body, given)  # noqa: S310  # the operator says which worker is asked
    try:
        with build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as answer:
            content: dict[str, Any] = orjson.loads(answer.read())
            return content
    except HTTPError as error:
        fault = NotReady if error.code == 503 else DataflowError
        raise fault(f"worker at {worker} answers {error.code}: {_error_text(error)}") from error
    except (HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise NotReady(
            f"worker at {worker} does not answer ({reason}); expected a running one: "
            "`dataflow demo` or `dataflow worker`, elsewhere with --url"
        ) from error
    except ValueError as error:
        raise DataflowError(f"answer of {url} is not JSON; expected a Dataflow worker there") from error


def _error_text(error: HTTPError) -> str:
    body = error.read().decode(errors="replace").strip()
    try:
        content = json.loads(body)
    except ValueError:
        return printable(body or str(error.reason))
    return printable(str(content["error"]) if isinstance(content, Mapping) and "error" in content else body)
