"""Worker client: asks a worker over HTTP for JSON."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

from dataflow.errors import DataflowError

TIMEOUT_SECONDS = 10.0

# A worker is on this machine or in this cluster: never use a proxy.
_open = build_opener(ProxyHandler({})).open


class NotReady(DataflowError):
    """The worker is not ready yet; ask again later."""


def ask(worker: str, *path: str, **parameters: str | None) -> dict[str, Any]:
    """Return the JSON that a worker answers with; parameters that are None are left out.

    Raises `NotReady` when no worker listens or it is recovering, and
    `DataflowError` with the error of the worker when it refuses.
    """
    query = urlencode({name: text for name, text in parameters.items() if text is not None})
    url = "/".join([worker.rstrip("/"), *(quote(part, safe="") for part in path)])
    try:
        with _open(f"{url}?{query}" if query else url, timeout=TIMEOUT_SECONDS) as answer:
            content: dict[str, Any] = json.load(answer)
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
        return body or str(error.reason)
    return str(content["error"]) if isinstance(content, Mapping) and "error" in content else body
