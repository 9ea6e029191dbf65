"""Server: sends index templates and bulk requests, and tells what became of each document."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec
from opensearchpy import OpenSearchException, TransportError

from dataflow.errors import InvalidEvent, Reason, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.client import SearchClient
from dataflow.sinks.opensearch.documents import BulkDocument
from dataflow.sinks.opensearch.mapping import FLAT_TYPES, index_template
from dataflow.sinks.opensearch.outcome import (
    DocumentOutcome,
    needs_a_person,
    outcome_of,
    stated_error,
    words_of,
)

TOPIC_ID = "topic_id"
_ONLY = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
_BAD_REQUEST, _UNAUTHORIZED, _TOO_LARGE = 400, 401, 413
_SMALLEST = b"\n"
_PAGE_CHARACTERS = 200


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

    async def lacks_template(self, prefix: str) -> bool:
        """Tell whether somebody has deleted the template of a prefix; raise `SinkUnavailable`."""
        async with translate_errors():
            return await self._client.lacks_index_template(f"dataflow-{prefix}")

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

    async def takes_small_requests(self) -> bool:
        """Tell whether a request without documents is small enough: a proxy may refuse any as too large."""
        try:
            async with translate_errors():
                await self._client.bulk(_SMALLEST, _ONLY)
        except InvalidEvent as error:
            return error.reason is not Reason.TOO_LARGE
        return True

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
        raise _translated(error) from error
    except (OpenSearchException, OSError) as error:
        raise SinkUnavailable(f"OpenSearch: {error!r}") from error


def _translated(error: TransportError) -> InvalidEvent | SinkUnavailable:
    """Return what the answer to a whole request means.

    A 413 may come from whatever stands in between, as it counts bytes; of all else only the server itself
    can know that a document is at fault.
    """
    status, stated = error.status_code, stated_error(error.info)
    if status == _TOO_LARGE:
        return InvalidEvent(Reason.TOO_LARGE, f"OpenSearch: {words_of(status, stated or _page_of(error))}")
    if stated is None:
        return SinkUnavailable(_words_of_another(status, _page_of(error)))
    words = f"OpenSearch: {words_of(status, stated)}"
    if status == _BAD_REQUEST and not needs_a_person(stated):
        return InvalidEvent(Reason.WRONG_TYPE, words)
    return SinkUnavailable(words)


def _words_of_another(status: object, page: str) -> str:
    # No status: nothing has answered. A password that is wrong is no JSON of the server itself, either.
    if status == _UNAUTHORIZED or not isinstance(status, int):
        return f"OpenSearch: {words_of(status, page)}"
    return (
        f"OpenSearch: {status}: {page}; expected an answer of OpenSearch or Elasticsearch. Look at the "
        "proxies in front of it"
    )


def _page_of(error: TransportError) -> str:
    return str(error.error or error.info)[:_PAGE_CHARACTERS]
