"""Answers: table partitions in, pages out as a worker that owns them all answers over HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from faust.types import TP

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.query import Queries
from dataflow.engine.state import PartitionState
from dataflow.engine.tables import TablePartition, WindowedTable
from dataflow.web.cluster_table import ClusterTable
from dataflow.web.counts import table_answer
from dataflow.web.parameter import parameters_of, read_parameters
from dataflow.web.table_request import TableRequest, select

TOPIC = "events"


async def _nobody() -> None:
    """Stand for a group without others."""


class OneWorker:
    """A worker that owns these partitions of a topic; of Faust and Kafka it has what queries ask them."""

    def __init__(
        self,
        table: WindowedTable,
        table_partitions: Sequence[TablePartition],
        owners: Mapping[str, Mapping[str, Sequence[int]]] | None = None,
    ) -> None:
        """Have all partitions, but those that `owners` tells of by their address and topic."""
        self.table = table
        elsewhere = {n for owned in (owners or {}).values() for numbers in owned.values() for n in numbers}
        partitions = {
            TP(TOPIC, number): SimpleNamespace(
                state=PartitionState({table.name: table_partition}, EventCounts()),
                pause=None,
                position=0,
                last_record_ms=0,
            )
            for number, table_partition in enumerate(table_partitions)
            if number not in elsewhere
        }
        faust: Any = SimpleNamespace(
            conf=SimpleNamespace(canonical_url="http://here"),
            consumer=SimpleNamespace(highwater=lambda _: 0),
            consumer_generation_id=1,
        )
        self.faust = faust
        router: Any = SimpleNamespace(external_topics_metadata=lambda: owners or {}, refresh=_nobody)
        topology = SimpleNamespace(partition_counts={TOPIC: len(table_partitions)})
        options = SimpleNamespace(query_seconds=5.0, peer_headers=lambda _method, _url: {})
        engine: Any = SimpleNamespace(partitions=partitions, topology=topology, options=options)
        self.queries = Queries(faust, engine, router)

    async def answer(self, **parameters: str) -> dict[str, Any]:
        """Return the answer to a request."""
        types = parameters_of(TableRequest, "/tables/{name}")
        request = read_parameters(TableRequest, types, parameters.items(), {"name": self.table.name}, {})
        selection = select(self.table, request)
        cluster = ClusterTable(self.queries, [TOPIC], self.table, selection)
        answer: dict[str, Any] = msgspec.json.decode(
            msgspec.json.encode(await table_answer(cluster, selection))
        )
        return answer

    def get(self, **parameters: str) -> dict[str, Any]:
        """Return the answer to a request, outside of a loop."""
        return asyncio.run(self.answer(**parameters))

    def pages(self, **parameters: str) -> list[dict[str, Any]]:
        """Return the answer to a request, and all pages behind it."""
        pages = [self.get(**parameters)]
        while pages[-1]["next"]:
            pages.append(self.follow(pages[-1]["next"]))
        return pages

    def follow(self, address: str) -> dict[str, Any]:
        """Return the page of this address."""
        return self.get(**dict(parse_qsl(urlsplit(address).query)))


def windows_of(pages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the windows of all pages, each as one, without how many entries there are in all."""
    windows: dict[tuple[str, str], dict[str, Any]] = {}
    for page in pages:
        for window in page["windows"]:
            place = window["start"], window["end"]
            if place in windows:
                windows[place]["entries"] += window["entries"]
            else:
                windows[place] = {**window, "entries": list(window["entries"])}
                del windows[place]["total"]
    return list(windows.values())
