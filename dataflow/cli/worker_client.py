"""Asking a worker: a URL in, its JSON answer or one clear error out."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

from dataflow.errors import DataflowError

TIMEOUT_SECONDS = 10.0

# A worker is on this machine or in this cluster: never ask for it by way of a proxy.
_open = build_opener(ProxyHandler({})).open


class NotReady(DataflowError):
    """The worker serves later: ask again."""


def ask(worker: str, *path: str, **parameters: str | None) -> dict[str, Any]:
    """Return the JSON that a worker answers with; parameters that are None are left out.

    Raises `NotReady` when no worker listens or it is recovering, and
    `DataflowError` with the worker's own words when it refuses.
    """
    query = urlencode({name: text for name, text in parameters.items() if text is not None})
    url = "/".join([worker.rstrip("/"), *(quote(part, safe="") for part in path)])
    try:
        with _open(f"{url}?{query}" if query else url, timeout=TIMEOUT_SECONDS) as answer:
            answered: dict[str, Any] = json.load(answer)
            return answered
    except HTTPError as error:
        fault = NotReady if error.code == 503 else DataflowError
        raise fault(f"worker at {worker} answers {error.code}: {_words_of(error)}") from error
    except (HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise NotReady(
            f"worker at {worker} does not answer ({reason}); expected a running one: "
            "`dataflow demo` or `dataflow worker`, elsewhere with --url"
        ) from error
    except ValueError as error:
        raise DataflowError(f"answer of {url} is not JSON; expected a Dataflow worker there") from error


def _words_of(error: HTTPError) -> str:
    body = error.read().decode(errors="replace").strip()
    try:
        answered = json.loads(body)
    except ValueError:
        return body or str(error.reason)
    return str(answered["error"]) if isinstance(answered, Mapping) and "error" in answered else body
