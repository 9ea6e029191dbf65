"""Server: sends index templates and bulk requests, and tells what became of each document."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
from opensearchpy import OpenSearchException, TransportError

from dataflow.errors import InvalidEvent, Reason, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.client import SearchClient
from dataflow.sinks.opensearch.documents import BulkDocument
from dataflow.sinks.opensearch.mapping import FLAT_TYPES, index_template
from dataflow.sinks.opensearch.outcome import DocumentOutcome, needs_a_person, outcome_of, words_of

TOPIC_ID = "topic_id"
_ONLY = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
_REJECTIONS = {400: Reason.WRONG_TYPE, 413: Reason.TOO_LARGE}


class Server:
    """OpenSearch or Elasticsearch; both understand these requests."""

    def __init__(self, settings: Settings) -> None:
        self._client = SearchClient(settings)

    async def put_template(self, prefix: str, topics: Iterable[str]) -> None:
        """Create or update the template of a prefix; raise `SinkUnavailable`."""
        names = tuple(topics)
        for flat in FLAT_TYPES:
            try:
                async with translate_errors():
                    await self._client.put_index_template(
                        f"dataflow-{prefix}", index_template(prefix, names, flat)
                    )
                return
            except InvalidEvent as error:
                if f"[{flat['type']}]" not in error.detail:  # it knows the type; another template conflicts
                    raise SinkUnavailable(error.detail) from error

    async def first_id(self, prefix: str, topic: str, topic_id: str) -> str | None:
        """Return the id of the first topic of this name; it is this one if there was none; None: unknown."""
        async with translate_errors():
            kept = await self._client.note(f"dataflow-{prefix}-{topic}", {TOPIC_ID: topic_id})
        return None if kept is None else kept.get(TOPIC_ID)

    async def store(self, bulk: Sequence[BulkDocument]) -> list[DocumentOutcome]:
        """Return what became of each document; raise `SinkUnavailable`, or `InvalidEvent` for the request."""
        async with translate_errors():
            answer = await self._client.bulk(b"".join([document.lines for document in bulk]), _ONLY)
        outcomes = [outcome_of(result.status, result.error) for result in _results_in(answer)]
        if len(outcomes) != len(bulk):
            raise SinkUnavailable(f"OpenSearch: {len(outcomes)} answers; expected {len(bulk)}")
        return outcomes

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


class _BulkResult(msgspec.Struct):
    status: int
    error: dict[str, object] | None = None


class _BulkAnswer(msgspec.Struct):
    items: list[dict[str, _BulkResult]]


def _results_in(answer: object) -> list[_BulkResult]:
    try:
        items = msgspec.convert(answer, _BulkAnswer).items
    except msgspec.ValidationError as error:  # of a proxy, say, that has a page for maintenance
        raise SinkUnavailable(
            f"OpenSearch: answer is none to a bulk request ({error}); "
            "expected OpenSearch or Elasticsearch there"
        ) from error
    return [result for item in items for result in item.values()]


@asynccontextmanager
async def translate_errors() -> AsyncIterator[None]:
    """Translate errors of the client into ours.

    `InvalidEvent`: the request is too large, or one document of it cannot be read.
    """
    try:
        yield
    except TransportError as error:
        reason = error.info.get("error") if isinstance(error.info, Mapping) else None
        words = f"OpenSearch: {words_of(error.status_code, reason or error.error or error.info)}"
        if error.status_code in _REJECTIONS and not needs_a_person(reason):
            raise InvalidEvent(_REJECTIONS[error.status_code], words) from error
        raise SinkUnavailable(words) from error
    except (OpenSearchException, OSError) as error:
        raise SinkUnavailable(f"OpenSearch: {error!r}") from error
