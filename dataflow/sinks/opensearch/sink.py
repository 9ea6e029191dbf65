"""OpenSearch sink: stores each record as one document, in the index of its day."""

import asyncio
from collections.abc import Mapping, Sequence

from dataflow.errors import InvalidEvent, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.contract import Rejection, Sink, SinkBatch, WriteResult, rejection
from dataflow.sinks.opensearch.documents import BulkDocument, bulks, compile_documents
from dataflow.sinks.opensearch.server import Fate, Server

PAUSE_SECONDS = 0.2  # for a server that has stored a part of a request and asks to retry the rest


class OpenSearchSink(Sink):
    """Indexes topics; `indices` has the prefix of the index names for each."""

    name = "opensearch"

    def __init__(self, indices: Mapping[str, str], settings: Settings) -> None:
        self.topics = tuple(indices)
        self._prefixes = sorted(set(indices.values()))
        self._settings = settings
        self._documents = {topic: compile_documents(topic, prefix) for topic, prefix in indices.items()}
        self._server: Server | None = None

    async def open(self) -> None:
        """Create or update the index templates."""
        self._server = self._server or Server(self._settings)
        for prefix in self._prefixes:
            await self._server.put_template(prefix)

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch; retry the documents that the server defers, as long as it stores some."""
        documents, rejected = self._documents[batch.tp.topic](batch)
        for bulk in bulks(documents):
            rejected += await self._store(bulk)
        return batch.stored(sorted(rejected, key=lambda one: one.record.offset))

    async def close(self) -> None:
        """Disconnect."""
        server, self._server = self._server, None
        if server:
            await server.close()

    async def _store(self, bulk: Sequence[BulkDocument]) -> list[Rejection]:
        assert self._server is not None
        rejected: list[Rejection] = []
        while bulk:
            try:
                outcomes = list(zip(bulk, await self._server.store(bulk), strict=True))
            except InvalidEvent as error:
                return rejected + await self._store_in_halves(bulk, error)
            rejected += [
                rejection(document.record, outcome.words)
                for document, outcome in outcomes
                if outcome.fate is Fate.REJECTED
            ]
            deferred = [(document, outcome) for document, outcome in outcomes if outcome.fate is Fate.RETRY]
            if len(deferred) == len(bulk):
                raise SinkUnavailable(f"OpenSearch: {deferred[0][1].words}")
            if deferred:
                await asyncio.sleep(PAUSE_SECONDS)
            bulk = [document for document, _ in deferred]
        return rejected

    async def _store_in_halves(self, bulk: Sequence[BulkDocument], error: InvalidEvent) -> list[Rejection]:
        """Find the document that makes the server reject the request; alone, it is rejected."""
        if len(bulk) == 1:
            return [Rejection(bulk[0].record, error)]
        middle = len(bulk) // 2
        return await self._store(bulk[:middle]) + await self._store(bulk[middle:])
