"""Server: sends index templates and bulk requests, and translates errors of the client."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opensearchpy import AsyncOpenSearch, OpenSearchException, TransportError

from dataflow.errors import Reason, SinkUnavailable
from dataflow.sinks.opensearch.documents import BulkDocument
from dataflow.sinks.opensearch.indices import index_template
from dataflow.sinks.opensearch.outcomes import DocumentOutcome, outcome_of, words_of

SECONDS = 30
_ONLY = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
_REJECTIONS = {400: Reason.WRONG_TYPE, 413: Reason.TOO_LARGE}

logging.getLogger("opensearch").setLevel(logging.ERROR)  # it logs every request


class RequestRejected(Exception):
    """The server rejects the whole request: it is too large, or one document of it cannot be read."""

    def __init__(self, words: str, reason: Reason) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Address of the server, and the credentials."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


class Server:
    """OpenSearch or Elasticsearch; both understand these requests."""

    def __init__(self, connection: ServerAddress) -> None:
        has_user = connection.username is not None
        self._client = AsyncOpenSearch(
            [connection.url],
            http_auth=(connection.username, connection.password or "") if has_user else None,
            timeout=SECONDS,
            max_retries=0,  # the runner of the sink retries, and logs it
            ca_certs=connection.ca_file,
        )

    async def put_template(self, prefix: str) -> None:
        """Create or update the template of a prefix; raise `SinkUnavailable`."""
        try:
            async with _translate_errors():
                await self._client.indices.put_index_template(
                    name=f"dataflow-{prefix}", body=index_template(prefix)
                )
        except RequestRejected as error:  # another template conflicts: a person has to decide
            raise SinkUnavailable(str(error)) from error

    async def store(self, bulk: Sequence[BulkDocument]) -> list[DocumentOutcome]:
        """Return what became of each document; raise `RequestRejected` or `SinkUnavailable`."""
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
    """Translate errors of the client into ours."""
    try:
        yield
    except TransportError as error:
        words = f"OpenSearch: {_words(error)}"
        if error.status_code in _REJECTIONS:
            raise RequestRejected(words, _REJECTIONS[error.status_code]) from error
        raise SinkUnavailable(words) from error
    except (OpenSearchException, OSError) as error:
        raise SinkUnavailable(f"OpenSearch: {error!r}") from error


def _words(error: TransportError) -> str:
    reason = error.info.get("error") if isinstance(error.info, Mapping) else None
    return words_of(error.status_code, reason or error.error or error.info)
