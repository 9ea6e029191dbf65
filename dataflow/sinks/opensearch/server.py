"""Server: sends index templates and bulk requests, and tells what became of each document."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import NamedTuple

from opensearchpy import AsyncOpenSearch, OpenSearchException, TransportError

from dataflow.errors import InvalidEvent, Reason, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.documents import BulkDocument
from dataflow.sinks.opensearch.indices import index_template

Error = Mapping[str, object]


class Fate(Enum):
    """What becomes of a document."""

    STORED = auto()
    REJECTED = auto()
    RETRY = auto()


class DocumentOutcome(NamedTuple):
    """The fate of one document, and the error of the server if it is not stored."""

    fate: Fate
    words: str = ""


_STORED = DocumentOutcome(Fate.STORED)
_EXISTS = 409
_CLUSTER_FAULT = "validation_exception"  # the cluster takes no more shards: also a 400


def outcome_of(status: int, error: Error | None = None) -> DocumentOutcome:
    """Return what became of one document of a bulk.

    Only faults of the document (400) are rejections. All others (429, 5XX, but also 401, 404
    and 403 for a full disk) end by themselves or by a person: the document is retried.
    """
    if status < 300 or status == _EXISTS:
        return _STORED
    error = error or {}
    is_rejected = status == 400 and error.get("type") != _CLUSTER_FAULT
    return DocumentOutcome(Fate.REJECTED if is_rejected else Fate.RETRY, words_of(status, error))


def words_of(status: object, error: object) -> str:
    """Return an error of the server as ``type: reason; its cause``."""
    if not isinstance(error, Mapping):
        return f"{status}: {str(error) or 'no answer in time'}"
    cause = error.get("caused_by")
    deeper = cause.get("reason") if isinstance(cause, Mapping) else None
    words = f"{error.get('type', status)}: {error.get('reason', 'no reason given')}"
    return f"{words}; {deeper}" if deeper else words


SECONDS = 30
_ONLY = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
_REJECTIONS = {400: Reason.WRONG_TYPE, 413: Reason.TOO_LARGE}

logging.getLogger("opensearch").setLevel(logging.ERROR)  # it logs every request


class Server:
    """OpenSearch or Elasticsearch; both understand these requests."""

    def __init__(self, settings: Settings) -> None:
        assert settings.opensearch_url is not None
        user, password = settings.opensearch_username, settings.opensearch_password
        self._client = AsyncOpenSearch(
            [settings.opensearch_url.get_secret_value()],
            http_auth=None if user is None else (user, password.get_secret_value() if password else ""),
            timeout=SECONDS,
            max_retries=0,  # the runner of the sink retries, and logs it
            ca_certs=str(settings.opensearch_ca_file) if settings.opensearch_ca_file else None,
        )

    async def put_template(self, prefix: str) -> None:
        """Create or update the template of a prefix; raise `SinkUnavailable`."""
        try:
            async with _translate_errors():
                await self._client.indices.put_index_template(
                    name=f"dataflow-{prefix}", body=index_template(prefix)
                )
        except InvalidEvent as error:  # another template conflicts: a person has to decide
            raise SinkUnavailable(error.detail) from error

    async def store(self, bulk: Sequence[BulkDocument]) -> list[DocumentOutcome]:
        """Return what became of each document; raise `SinkUnavailable`, or `InvalidEvent` for the request."""
        async with _translate_errors():
            answer = await self._client.bulk(
                body=b"".join([document.lines for document in bulk]), params={"filter_path": _ONLY}
            )
        outcomes = [
            outcome_of(result["status"], result.get("error"))
            for item in answer["items"]
            for result in item.values()
        ]
        if len(outcomes) != len(bulk):
            raise SinkUnavailable(f"OpenSearch: {len(outcomes)} answers; expected {len(bulk)}")
        return outcomes

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


@asynccontextmanager
async def _translate_errors() -> AsyncIterator[None]:
    """Translate errors of the client into ours.

    `InvalidEvent`: the request is too large, or one document of it cannot be read.
    """
    try:
        yield
    except TransportError as error:
        reason = error.info.get("error") if isinstance(error.info, Mapping) else None
        words = f"OpenSearch: {words_of(error.status_code, reason or error.error or error.info)}"
        if error.status_code in _REJECTIONS:
            raise InvalidEvent(_REJECTIONS[error.status_code], words) from error
        raise SinkUnavailable(words) from error
    except (OpenSearchException, OSError) as error:
        raise SinkUnavailable(f"OpenSearch: {error!r}") from error
