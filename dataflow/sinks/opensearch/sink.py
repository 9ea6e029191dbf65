"""OpenSearch sink: stores each record as one document, in the index of its day."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from dataflow.engine.lone_surrogates import as_sent
from dataflow.errors import InvalidEvent, Reason, SinkUnavailable
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.sinks.contract import Rejection, Sink, SinkBatch, WriteResult, rejection
from dataflow.sinks.opensearch.documents import BulkDocument, bulks, compile_documents
from dataflow.sinks.opensearch.mapping import index_template
from dataflow.sinks.opensearch.outcome import DocumentOutcome, Fate
from dataflow.sinks.opensearch.server import Server
from dataflow.sinks.origins import Origins

log = get_log(__name__)

PAUSE_SECONDS = 0.2  # for a server that has stored a part of a request and asks to retry the rest


class DocumentsWait(SinkUnavailable):
    """The server answers, and takes some documents not yet."""


class OpenSearchSink(Sink):
    """Indexes topics; `indices` has the prefix of the index names for each."""

    name = "opensearch"

    def __init__(self, indices: Mapping[str, str], settings: Settings) -> None:
        self.topics = tuple(indices)
        self._prefixes = indices
        self._settings = settings
        self._documents = {topic: compile_documents(topic, prefix) for topic, prefix in indices.items()}
        self._server: Server | None = None
        self._has_template: set[str] = set()
        self._unused: set[str] = set()  # prefixes of templates that were put, and nothing was written since
        self._known_indices: set[str] = set()  # their template was there before they were
        self._origins = Origins(self._first_id)
        for prefix in indices.values():
            index_template(prefix, self._topics_of(prefix))  # tells at start that it cannot be made

    async def open(self) -> None:
        """Create or update the index templates; one that the server refuses holds up only its own topics."""
        faults: list[SinkUnavailable] = []
        for prefix in sorted(set(self._prefixes.values())):
            try:
                await self._ensure_template(prefix)
            except SinkUnavailable as error:
                faults.append(error)
        if not self._has_template:
            raise faults[0]
        for fault in faults:
            log.warning("Index template cannot be made; its topics wait.", sink=self.name, error=fault)

    async def _ensure_template(self, prefix: str) -> Server:
        server = self._server = self._server or Server(self._settings)
        if prefix not in self._has_template:
            await server.put_template(prefix, self._topics_of(prefix))
            self._has_template.add(prefix)
            self._unused.add(prefix)
        return server

    async def _prepare(self, server: Server, prefix: str, indices: set[str]) -> None:
        """Put the template again before an index may be created: somebody may have deleted it.

        An index that is known may have gone with it, and is created by the next document.
        """
        is_new = not indices <= self._known_indices
        if prefix not in self._unused and (is_new or await server.lacks_template(prefix)):
            await server.put_template(prefix, self._topics_of(prefix))
        self._known_indices |= indices
        self._unused.discard(prefix)

    async def _first_id(self, topic: str, topic_id: str) -> str | None:
        """Return the id of the first topic of this name; it is this one if there was none; None: unknown."""
        server = await self._ensure_template(self._prefixes[topic])
        return await server.first_id(self._prefixes[topic], topic, topic_id)

    def _topics_of(self, prefix: str) -> Sequence[str]:
        return [topic for topic, its_prefix in self._prefixes.items() if its_prefix == prefix]

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch; retry the documents that the server defers, as long as it stores some."""
        server = await self._ensure_template(self._prefixes[batch.tp.topic])
        documents, rejected = self._documents[batch.tp.topic](batch, await self._origins.topic_of(batch))
        await self._prepare(
            server, self._prefixes[batch.tp.topic], {one.target["_index"] for one in documents}
        )
        rejected += await _store_each(server, bulks(documents))
        return batch.stored(sorted(rejected, key=lambda one: one.record.offset))

    async def close(self) -> None:
        """Disconnect."""
        server, self._server = self._server, None
        if server:
            await server.close()


async def _store_each(server: Server, requests: Iterable[Sequence[BulkDocument]]) -> list[Rejection]:
    """Store all of them, though documents of one may have to wait; raise `DocumentsWait` then."""
    rejected: list[Rejection] = []
    deferred: DocumentsWait | None = None
    for bulk in requests:
        try:
            rejected += await _store(server, bulk)
        except DocumentsWait as fault:
            deferred = deferred or fault
    if deferred:
        raise deferred
    return rejected


async def _store(server: Server, bulk: Sequence[BulkDocument]) -> list[Rejection]:
    """Store the documents, each in the best form that the server takes; return what it rejects in any."""
    rejected: list[Rejection] = []
    while bulk:
        try:
            outcomes = await server.store(bulk)
        except InvalidEvent as error:
            return rejected + await _store_in_halves(server, bulk, error)
        left = [
            (document, outcome, next_try(document, outcome))
            for document, outcome in zip(bulk, outcomes, strict=True)
            if outcome.fate is not Fate.STORED
        ]
        rejected += [rejection(document.record, out.words) for document, out, again in left if again is None]
        deferred = [outcome for document, outcome, again in left if again is document]
        if len(deferred) == len(bulk):
            raise DocumentsWait(f"OpenSearch: {deferred[0].words}")
        if deferred:
            await asyncio.sleep(PAUSE_SECONDS)
        elif left:
            _say_changed(len(left), left[0][1])
        bulk = [again for _, _, again in left if again is not None]
    return rejected


def _say_changed(documents: int, outcome: DocumentOutcome) -> None:
    log.warning(
        "Documents do not fit their index, or it is closed; stored otherwise.",
        sink=OpenSearchSink.name, documents=documents, error=outcome.words,
    )  # fmt: skip


def next_try(document: BulkDocument, outcome: DocumentOutcome) -> BulkDocument | None:
    """Return as what a document that is not stored goes again: itself if it waits, None if it is rejected.

    What the server refuses even as a text is the document's fault only where it speaks of the mapping: a
    person has to mend an alias or a template.
    """
    if outcome.fate is Fate.CLOSED:
        elsewhere = document.in_overflow()
        return document if elsewhere == document else elsewhere
    if outcome.fate is Fate.RETRY or (document.is_text and not outcome.is_mapping_fault):
        return document
    return None if document.is_text else document.as_text()


async def _store_in_halves(
    server: Server, bulk: Sequence[BulkDocument], error: InvalidEvent
) -> list[Rejection]:
    """Find the document that makes the server reject the request; alone, and as a text, it is rejected."""
    if len(bulk) == 1:
        [document] = bulk
        if error.reason is Reason.TOO_LARGE and not await server.takes_small_requests():
            raise SinkUnavailable(f"{error.detail}; expected at least the smallest request to be accepted")
        if document.is_text or error.reason is Reason.TOO_LARGE:
            return [Rejection(as_sent(document.record), error)]
        return await _store(server, [document.as_text()])
    middle = len(bulk) // 2
    return await _store_each(server, [bulk[:middle], bulk[middle:]])
