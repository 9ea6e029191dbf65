"""A small app for tests of the engine: a broker and names in; one source, relayed and counted, out."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import faust
import orjson
from faust.tables.manager import TableManager
from mode.utils.times import Seconds, want_seconds
from table_parts import merge_entries, part_of

from dataflow.demo.broker.ports import free_port
from dataflow.engine.app import App
from dataflow.engine.batch import Batch, Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.options import EngineOptions
from dataflow.engine.splice import Added
from dataflow.engine.tables import ALL, DAY, WindowedTable
from dataflow.engine.topic import BatchTopic, CountedTable
from dataflow.kafka.connection import connection

AT = 1_700_000_000_000
SESSION_SECONDS = 2.0


class Event(faust.Record, include_metadata=False):
    """What the source holds."""

    n: int
    kind: str
    at: int


MARK = EnrichStage(
    "mark", compile_decoder(Event, ["n", "kind", "at"], ["mark"]), lambda event: Added(mark=event.n)
)


class QuickTableManager(TableManager):
    """Faust's, which lets a second go by at every start; sixty tests have no need of that."""

    async def sleep(self, n: Seconds) -> None:
        """Sleep, but not for long."""
        await super().sleep(min(want_seconds(n), 0.05))


Work = Callable[["Relay", Batch], Awaitable[None]]
"""What the agent does inside `async with batch`."""


async def pass_on(relay: "Relay", batch: Batch) -> None:
    """Mark, count and send on every event."""
    rows = batch.apply(MARK)
    relay.table.add(rows)
    await relay.output.send_batch(rows)


@dataclass(frozen=True)
class Relay:
    """One worker: its app, and what it reads, counts and writes."""

    app: App
    source: BatchTopic
    output: BatchTopic
    table: CountedTable

    @property
    def received(self) -> int:
        """Events whose outcome this worker has committed, of its partitions, since ever."""
        assert not self.app.engine.lifecycle.has_failed, "the worker has stopped"
        partitions = self.app.engine.partitions.values()
        if any(p.position != p.committed for p in partitions):
            return -1
        return sum(p.state.event_counts.received for p in partitions)

    def counts(self) -> dict[str, int]:
        """Events of all time by kind, of the partitions of this worker."""
        parts = [
            part_of(p.state.table_partitions["per_kind"], ALL) for p in self.app.engine.partitions.values()
        ]
        windows = merge_entries(self.table.table, ALL, parts)
        return {entry["key"]: entry["count"] for window in windows for entry in window["entries"]}


@dataclass(frozen=True)
class Names:
    """Topics and group of one test; `dead` is where dead letters go."""

    group: str
    source: str
    output: str
    dead: str

    @classmethod
    def of(cls, unique: Callable[[str], str]) -> "Names":
        """Return names that no other test has."""
        return cls(*(unique(name) for name in ("relay", "source", "output", "dead")))

    @property
    def topics(self) -> tuple[str, str, str]:
        """Return all topics that must be there."""
        return self.source, self.output, self.dead

    @property
    def changelog(self) -> str:
        """Return where the tables are kept."""
        return f"{self.group}-{self.source}-changelog"


def relay(
    broker: str,
    names: Names,
    work: Work = pass_on,
    *,
    agent: bool = True,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Relay:
    """Return one worker that is not started; `options` are the engine's, `settings` are Faust's."""
    chosen = {"connection": connection([broker]), "checkpoint_seconds": 0.05, **options}
    app = App(
        names.group,
        engine=EngineOptions(dead_letter_topic=names.dead, **chosen),
        web_bind="127.0.0.1",
        web_host="127.0.0.1",
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 8,
        TableManager=QuickTableManager,
        **{"datadir": tempfile.mkdtemp(), "web_port": free_port(), **(settings or {})},
    )
    source = app.batches(names.source, event_time=EventTime("at", int), columns=MARK.columns)
    table = app.windowed_table(source, WindowedTable("per_kind", key="kind", windows=(DAY,)))
    made = Relay(app, source, app.batches(names.output), table)

    if not agent:
        return made

    @app.agent(source)
    async def relay_events(batches: Batches) -> None:
        async for batch in batches:
            async with batch:
                await work(made, batch)

    return made


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    """Run these workers in this process; stop them as SIGTERM would."""
    try:
        await asyncio.gather(*(start(relay) for relay in relays))
        yield
    finally:
        await asyncio.gather(*(relay.app.stop() for relay in relays))


async def start(relay: Relay) -> None:
    """Start a worker, and wait until it reads what it owns."""
    await relay.app.start()
    await until(lambda: not relay.app.rebalancing, "first assignment")


async def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Return when the condition holds; fail, naming what has not come, at the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.005)


def events(numbers: Iterable[int], kind: str = "a") -> list[bytes]:
    """Return one event a number."""
    return [orjson.dumps({"n": n, "kind": kind, "at": AT}) for n in numbers]


def numbers_in(handlers: Iterable[Any]) -> list[int]:
    """Return the numbers that the agent has marked, in the order of the topic."""
    return [orjson.loads(read.value)["mark"] for read in handlers]
