"""One OpenSearch sink of a prefix of its own on a real server, and questions to what it has stored."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from sinks.servers_opensearch import OpenSearchServer
from sinks.sink_records import batches

from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.settings.values import Address
from dataflow.sinks.contract import Rejection
from dataflow.sinks.opensearch.sink import OpenSearchSink

TP = TopicPartition("enriched-web-events", 0)
INDEX_OF_TODAY = "2026.09.20"
PATIENCE_SECONDS = 240


class OneSink:
    """A sink, and the indices of its prefix."""

    def __init__(self, server: OpenSearchServer, prefix: str) -> None:
        self.prefix = prefix
        self.sink = OpenSearchSink({TP.topic: prefix}, Settings(opensearch_url=Address(server.url)))
        self._server = server

    def with_prefix(self, prefix: str) -> "OneSink":
        """Return another one, on the same server."""
        return OneSink(self._server, prefix)

    async def write(self, records: Sequence[DefaultRecord]) -> Sequence[Rejection]:
        """Write the records as one batch; return what is rejected."""
        (batch,) = batches(TP, records, len(records))
        return (await self.sink.write(batch)).rejected

    async def write_patiently(self, records: Sequence[DefaultRecord]) -> Sequence[Rejection]:
        """Write as the runner does, which tries again what a busy server has not done in time."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self.write(records)
                except SinkUnavailable as error:
                    if "timeout" not in str(error).lower():
                        raise

    def ask_for(self, method: str, path: str, **body: object) -> Any:
        """Return what the server answers; fail, with its words, if it refuses."""
        data = json.dumps(body).encode() if body else None
        url = f"{self._server.url}/{path}"
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            raise AssertionError(error.read()) from error

    def _search(self, query: object) -> Any:
        self.ask_for("POST", f"{self.prefix}-*/_refresh")
        return self.ask_for(
            "POST", f"{self.prefix}-*/_search", query=query, size=1_000, track_total_hits=True
        )

    def count(self, query: object) -> int:
        """Return how many documents there are."""
        return int(self._search(query)["hits"]["total"]["value"])

    def sources(self, query: object) -> list[dict[str, object]]:
        """Return the documents."""
        return [hit["_source"] for hit in self._search(query)["hits"]["hits"]]

    def counts(self) -> dict[str, int]:
        """Return how many documents there are in each index."""
        found: dict[str, int] = {}
        for hit in self._search({"match_all": {}})["hits"]["hits"]:
            found[hit["_index"]] = found.get(hit["_index"], 0) + 1
        return found

    def indices(self) -> set[str]:
        """Return the names of all."""
        return set(self.ask_for("GET", f"{self.prefix}-*/_mapping"))

    def indexed_fields(self) -> set[str]:
        """Return the fields of all."""
        mappings = self.ask_for("GET", f"{self.prefix}-*/_mapping").values()
        return {name for one in mappings for name in one["mappings"]["properties"]}

    def make_index(self, name: str, mappings: object, settings: object = None) -> None:
        """Make an index as a person does, or as the release before did."""
        self.ask_for("PUT", f"{self.prefix}-{name}", mappings=mappings, settings=settings or {})

    @contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Break the server in a way that a person has to mend, and mend it."""
        index = f"{self.prefix}-{INDEX_OF_TODAY}"
        if fault == "a cluster that is full":
            self._set_cluster("cluster.max_shards_per_node", 1)
        elif fault == "an alias without a write index":
            for name in ("one", "two"):
                self.ask_for("PUT", f"{self.prefix}_{name}", aliases={index: {}})
        else:
            self.ask_for("PUT", index)
            self.ask_for("PUT", f"{index}/_settings", **{SETTINGS[fault][0]: SETTINGS[fault][1]})
        yield
        if fault == "a cluster that is full":
            self._set_cluster("cluster.max_shards_per_node", None)
        elif fault == "an alias without a write index":
            self.ask_for("DELETE", f"{self.prefix}_one,{self.prefix}_two")
        else:
            self.ask_for("PUT", f"{index}/_settings", **{SETTINGS[fault][0]: None})

    def _set_cluster(self, name: str, value: object) -> None:
        self.ask_for("PUT", "_cluster/settings", persistent={name: value})


SETTINGS = {
    "a pipeline that is not there": ("index.default_pipeline", "nobody-made-it"),
    "an index that may only be read": ("index.blocks.read_only", True),
    "a disk that is full": ("index.blocks.read_only_allow_delete", True),
}
