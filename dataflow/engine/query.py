"""Queries: any worker asks the owners of all partitions, and says which have not answered."""

import asyncio
from typing import Generic, TypeVar, get_args

import aiohttp
import faust
import msgspec

from dataflow.engine.engine import Engine
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.partition import Partition
from dataflow.engine.query_result import PartitionResult, QueryResult, merge_results
from dataflow.engine.router import GroupRouter
from dataflow.engine.state import TableSuspended
from dataflow.engine.tables import Part, Totals
from dataflow.logs import get_log

log = get_log(__name__)

A = TypeVar("A")

QUERY_PATH = "/_query"
"""Where a worker answers for its own partitions: `POST <QUERY_PATH>/<topic>` of a `Query`, in msgpack."""

MSGPACK = "application/vnd.msgpack"

encode = msgspec.msgpack.encode
NOTHING = msgspec.Raw(encode(None))


class Query(msgspec.Struct, Generic[A], tag=True, frozen=True, forbid_unknown_fields=True):
    """What every partition of a topic is asked; `A` is the answer of one."""

    def read(self, partition: Partition) -> A:
        """Return the answer of a partition; raise `TableSuspended`, or KeyError for an unknown name."""
        raise NotImplementedError


class ReadWindows(Query[Part], frozen=True):
    """The windows of a table that overlap [`from_ms`, `to_ms`), of one key or all."""

    table: str
    window: str
    from_ms: int | None = None
    to_ms: int | None = None
    key: str | None = None

    def read(self, partition: Partition) -> Part:
        """Return the entries."""
        stored = partition.state.table_partition(self.table)
        return stored.answer(stored.table.window(self.window), self.from_ms, self.to_ms, self.key)


class ReadTotals(Query[Totals], frozen=True):
    """Some aggregations of a table, added up over the windows that overlap [`from_ms`, `to_ms`)."""

    table: str
    window: str
    from_ms: int | None
    to_ms: int | None
    aggregations: tuple[str, ...]

    def read(self, partition: Partition) -> Totals:
        """Return the totals by key."""
        stored = partition.state.table_partition(self.table)
        window = stored.table.window(self.window)
        return stored.totals(window, self.from_ms, self.to_ms, self.aggregations)


class ReadEventCounts(Query[EventCounts], frozen=True):
    """How many events came in, and where they ended."""

    def read(self, partition: Partition) -> EventCounts:
        """Return the counts."""
        return partition.state.event_counts


class Queries:
    """Answers the queries of other workers, and asks them; all workers of an app know the same types."""

    def __init__(self, app: faust.App, engine: Engine, router: GroupRouter) -> None:
        self._app = app
        self._engine = engine
        self._router = router
        self._decoder = msgspec.msgpack.Decoder(ReadWindows | ReadTotals | ReadEventCounts)

    def answer(self, topic: str, body: bytes) -> bytes:
        """Return what this worker's own partitions answer to the query of another worker, both encoded.

        Raises KeyError or `msgspec.MsgspecError` for what this release does not know.
        """
        return encode(self._own_results(topic, self._decoder.decode(body)))

    async def query(self, topic: str, query: Query[A]) -> QueryResult[A]:
        """Ask all owners in parallel, within the deadline; never raises for one that does not answer."""
        urls = await self.other_owners(topic)
        own, body = self._own_results(topic, query), encode(query)
        others = await asyncio.gather(*(self._ask(url, topic, body) for url in urls))
        results = [result for results in (own, *others) for result in results]
        partitions = self._engine.topology.partition_counts.get(topic, 0)
        return merge_results(answer_type_of(type(query)), partitions, results)

    @property
    def own_url(self) -> str:
        """Where this worker listens."""
        return str(self._app.conf.canonical_url).rstrip("/")

    async def other_owners(self, topic: str) -> set[str]:
        """Return where the other workers listen that own partitions of a topic."""
        await self._router.refresh()
        owners = self._router.external_topics_metadata()  # {url: {topic: [partitions]}}
        return {url.rstrip("/") for url, topics in owners.items() if topics.get(topic)} - {self.own_url}

    def _own_results(self, topic: str, query: Query[A]) -> list[PartitionResult]:
        consumer, generation = self._app.consumer, self._app.consumer_generation_id
        results = []
        for tp, partition in self._engine.partitions.items():
            if tp.topic == topic:
                lag = max((consumer.highwater(tp) or 0) - partition.position, 0)
                place = tp.partition, generation, lag, partition.last_record_ms
                try:
                    content, fault = msgspec.Raw(encode(query.read(partition))), None
                except TableSuspended as error:
                    content, fault = NOTHING, str(error)
                results.append(PartitionResult(*place, content, partition.pause, fault))
        return results

    async def _ask(self, url: str, topic: str, body: bytes) -> list[PartitionResult]:
        headers = {"Content-Type": MSGPACK}
        try:
            async with (
                asyncio.timeout(self._engine.options.query_seconds),
                self._app.http_client.post(f"{url}{QUERY_PATH}/{topic}", data=body, headers=headers) as reply,
            ):
                if reply.status == 200:
                    return msgspec.msgpack.decode(await reply.read(), type=list[PartitionResult])
                log.info("Worker refuses a query; its partitions are missing.", url=url, status=reply.status)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.info("Worker does not answer a query; its partitions are missing.", url=url, error=error)
        return []


def answer_type_of(query_type: type[Query[A]]) -> type[A]:
    """Return the `A` of a query type."""
    [base] = query_type.__orig_bases__  # type: ignore[attr-defined]  # every generic class has them
    answer_type: type[A] = get_args(base)[0]
    return answer_type
