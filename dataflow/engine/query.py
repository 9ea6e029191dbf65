"""Queries: any worker asks the owners of all partitions, and says which have not answered."""

import asyncio
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar, get_args, get_origin
from weakref import WeakValueDictionary

import aiohttp
import faust
import msgspec

from dataflow.engine.engine import Engine
from dataflow.engine.engine_metrics import MISSING_PARTITIONS
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.partition import Partition
from dataflow.engine.peer_refusal import refusal_of
from dataflow.engine.query_result import PartitionResult, QueryResult, merge_results
from dataflow.engine.router import GroupRouter
from dataflow.engine.slices import in_slices
from dataflow.engine.state import TableSuspended
from dataflow.engine.tables.answer import StartRange, States, Totals, WindowMarks
from dataflow.engine.tables.steps import Steps
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_entry import Packed, writable
from dataflow.engine.tables.window_reader import ReadAhead, WindowReader
from dataflow.engine.tables.windows import Window
from dataflow.errors import UNREADABLE
from dataflow.logs import get_log

log = get_log(__name__)

A = TypeVar("A")

QUERY_PATH = "/_query"
"""Where a worker answers for its own partitions: `POST` of an `Inquiry`, in msgpack."""

UNKNOWN_WORKER: Final = (401, 403)
"""What a worker answers that has another secret, or clock, than this one: a person has to mend that."""

MSGPACK = "application/vnd.msgpack"

CACHE_BYTES: Final = 16 << 20
"""Of what was read ahead for queries, and as much of answers."""

Cache = WeightedCache[ReadAhead]


class Query(msgspec.Struct, Generic[A], tag=True, frozen=True, forbid_unknown_fields=True):
    """What every partition of a topic is asked; `A` is the answer of one."""

    def read(self, partition: Partition, cache: Cache) -> Steps[A]:
        """Return the answer of a partition; raise `TableSuspended`, or KeyError for an unknown name."""
        raise NotImplementedError


class TableQuery(Query[A], frozen=True):
    """What is asked of the windows of one size of a table."""

    table: str
    window: str

    def reader(self, partition: Partition, cache: Cache) -> tuple[WindowReader, Window]:
        """Return what reads the table in this partition, and its windows."""
        stored = partition.state.table_partition(self.table)
        return WindowReader(stored, cache), stored.table.window(self.window)


class ReadMarks(TableQuery[WindowMarks], frozen=True):
    """Which windows there are in a range: of more than `most` the first, or the `newest` ones."""

    starts: StartRange
    most: int
    newest: bool = False

    def read(self, partition: Partition, cache: Cache) -> Steps[WindowMarks]:
        """Return the windows."""
        yield from ()
        reader, window = self.reader(partition, cache)
        return reader.marks(window, self.starts, self.most, newest=self.newest)


class ReadStates(TableQuery[list[States]], frozen=True):
    """The states of all keys at one place of their entries, for each range of windows."""

    ranges: Sequence[StartRange]
    slot: int

    def read(self, partition: Partition, cache: Cache) -> Steps[list[States]]:
        """Return the states of each range."""
        reader, window = self.reader(partition, cache)
        answers: list[States] = []
        for starts in self.ranges:
            answers += yield from reader.states(window, starts, (self.slot,))
            yield
        return answers


class ReadEntries(TableQuery[list[list[Sequence[Packed]]]], frozen=True):
    """Of some keys the packed entries that add up to theirs, for each range of windows."""

    keys: Sequence[tuple[StartRange, Sequence[str]]]

    def read(self, partition: Partition, cache: Cache) -> Steps[list[list[Sequence[Packed]]]]:
        """Return the entries of each range."""
        reader, window = self.reader(partition, cache)
        answers = []
        for starts, keys in self.keys:
            answers.append((yield from reader.entries(window, starts, keys)))
            yield
        return answers


class ReadTotals(TableQuery[Totals], frozen=True):
    """Some aggregations of a table, added up over the windows of a range."""

    starts: StartRange
    aggregations: tuple[str, ...]

    def read(self, partition: Partition, cache: Cache) -> Steps[Totals]:
        """Return the totals by key."""
        reader, window = self.reader(partition, cache)
        return reader.totals(window, self.starts, self.aggregations)


class ReadEventCounts(Query[EventCounts], frozen=True):
    """How many events came in, and where they ended."""

    def read(self, partition: Partition, cache: Cache) -> Steps[EventCounts]:  # noqa: ARG002 - of others
        """Return the counts."""
        yield from ()
        return partition.state.event_counts


AnyQuery = ReadMarks | ReadStates | ReadEntries | ReadTotals | ReadEventCounts


class Inquiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query to all partitions of some topics: who owns several is asked once."""

    topics: Sequence[str]
    query: AnyQuery


class Queries:
    """Answers the queries of other workers, and asks them; all workers of an app know the same types."""

    decoder: ClassVar = msgspec.msgpack.Decoder(Inquiry)

    def __init__(self, app: faust.App, engine: Engine, router: GroupRouter) -> None:
        self._app = app
        self._engine = engine
        self._router = router
        self._cache: Cache = WeightedCache(CACHE_BYTES)
        self._turn = asyncio.Lock()
        self._places = WeakValueDictionary[Hashable, asyncio.Lock]()
        self.answers = WeightedCache[Any](CACHE_BYTES)
        """What whoever asks makes of the answers of all partitions."""

    async def answer(self, body: bytes) -> bytes:
        """Return what this worker's own partitions answer to the inquiry of another worker, both encoded.

        Raises KeyError or one of `UNREADABLE` for what this release does not know.
        """
        inquiry = self.decoder.decode(body)
        return encode_results(await self._read(inquiry.topics, inquiry.query))

    async def query(
        self, topics: Collection[str], query: Query[A], silent: set[str] | None = None
    ) -> dict[str, QueryResult[A]]:
        """Ask all owners in parallel, within the deadline; never raises for one that does not answer.

        Workers that are `silent` are not asked; those that have not answered are added.
        """
        silent = set() if silent is None else silent
        urls = await self.other_owners(*topics) - silent
        body = msgspec.msgpack.encode({"topics": topics, "query": query}) if urls else b""
        others = {url: asyncio.ensure_future(self._ask(url, body, type(query))) for url in urls}
        try:
            results = await self._read(topics, query)
            for url, other in others.items():
                answered = await other
                results += answered or ()
                silent |= {url} if answered is None else set()
        finally:
            for other in others.values():
                other.cancel()  # of who asks no more, or when we have no answer ourselves
        partitions = self._engine.topology.partition_counts
        merged = {
            topic: merge_results(partitions.get(topic, 0), [r for r in results if r.topic == topic])
            for topic in topics
        }
        for topic, result in merged.items():
            MISSING_PARTITIONS.labels(topic).inc(len(result.missing))
        return merged

    async def in_turn(self, steps: Steps[A]) -> A:
        """Do long work in slices, and no two at once: batches have their share, however many ask."""
        async with self._turn:
            return await in_slices(steps)

    def place(self, what: Hashable) -> asyncio.Lock:
        """Return what is held while this is found out: who asks for it meanwhile needs it no more."""
        return self._places.setdefault(what, asyncio.Lock())

    async def _read(self, topics: Collection[str], query: Query[A]) -> list[PartitionResult[A]]:
        steps = self._own_results(topics, query)
        is_short = isinstance(query, ReadMarks | ReadEventCounts)
        return await (in_slices(steps) if is_short else self.in_turn(steps))

    @property
    def own_url(self) -> str:
        """Where this worker listens."""
        return str(self._app.conf.canonical_url).rstrip("/")

    async def other_owners(self, *topics: str) -> set[str]:
        """Return where the other workers listen that own partitions of any of these topics."""
        await self._router.refresh()
        owners = self._router.external_topics_metadata()  # {url: {topic: [partitions]}}
        return {url.rstrip("/") for url, owned in owners.items() if any(map(owned.get, topics))} - {
            self.own_url
        }

    async def other_members(self) -> set[str]:
        """Return where all other members of the groups listen, with partitions or without."""
        await self._router.refresh()
        return {url.rstrip("/") for url in self._router.urls} - {self.own_url}

    def _own_results(self, topics: Collection[str], query: Query[A]) -> Steps[list[PartitionResult[A]]]:
        generation = self._app.consumer_generation_id
        results = []
        for tp, partition in list(self._engine.partitions.items()):
            if tp.topic in topics and self._engine.partitions.get(tp) is partition:
                content, fault = None, None
                try:
                    content = yield from query.read(partition, self._cache)
                except TableSuspended as error:
                    fault = str(error)
                lag = max((self._app.consumer.highwater(tp) or 0) - partition.position, 0)
                place = *tp, generation, lag, partition.last_record_ms
                results.append(PartitionResult(*place, content, partition.pause, fault))
                yield
        return results

    async def _ask(
        self, url: str, body: bytes, query_type: type[Query[A]]
    ) -> list[PartitionResult[A]] | None:
        address = url + QUERY_PATH
        headers = {"Content-Type": MSGPACK, **self._engine.options.peer_headers("POST", address)}
        try:
            async with (
                asyncio.timeout(self._engine.options.query_seconds),
                self._app.http_client.post(address, data=body, headers=headers) as reply,
            ):
                if reply.status == 200:
                    return decode_results(await reply.read(), query_type)
                tell = log.warning if reply.status in UNKNOWN_WORKER else log.info
                reason = await refusal_of(reply)
                tell("Worker refuses a query; its partitions are missing.", url=url, reason=reason)
        except (aiohttp.ClientError, OSError, TimeoutError, *UNREADABLE) as error:
            log.warning("Worker does not answer a query; its partitions are missing.", url=url, error=error)
        except RuntimeError:  # the session is closed
            if not self._app.should_stop:
                raise
        return None


def encode_results(results: Sequence[PartitionResult[Any]]) -> bytes:
    """Return results as they go between workers."""
    try:
        return msgspec.msgpack.encode(results)
    except OverflowError:  # totals that msgpack's integers do not hold
        for result in results:
            result.content = _writable(result.content)
        return msgspec.msgpack.encode(results)


def decode_results(raw: bytes, query_type: type[Query[A]]) -> list[PartitionResult[A]]:
    """Undo `encode_results`."""
    [base] = query_type.__orig_bases__  # type: ignore[attr-defined]  # every generic class has them
    result_type: Any = PartitionResult[get_args(base)[0]]  # type: ignore[misc]  # found at run time
    results: list[PartitionResult[A]] = msgspec.msgpack.decode(
        raw, type=list[result_type], dec_hook=_decode_counter
    )
    return results


def _writable(content: object) -> object:
    if isinstance(content, list | tuple):
        return list(map(_writable, content))
    if isinstance(content, Mapping):
        return {key: _writable(state) for key, state in content.items()}
    if isinstance(content, Totals):
        return msgspec.structs.replace(content, by_aggregation=_writable(content.by_aggregation))
    return writable(content)


def _decode_counter(expected: type, value: dict[str, int]) -> Counter[str]:
    assert get_origin(expected) is Counter, expected
    return Counter(value)
