"""The Faust application class that runs the engine: batch topics and tables, ordinary Faust beside them."""

import ctypes
import gc
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

import faust
from faust.app import BootStrategy as FaustBootStrategy
from faust.types import AgentT, ChannelT, ServiceT, StreamT, TransportT
from faust.types.agents import AgentFun
from faust.types.transports import ConductorT
from yarl import URL

from dataflow.engine.batch import Batch, BatchStream, UnaccountedEvents
from dataflow.engine.consumer import BatchConsumer
from dataflow.engine.engine import Engine
from dataflow.engine.event_time import EventTime
from dataflow.engine.faust_settings import FAUST_SETTINGS, AppSettings
from dataflow.engine.loop_turns import LoopTurns
from dataflow.engine.observer import Observer
from dataflow.engine.options import EngineOptions
from dataflow.engine.query import Queries
from dataflow.engine.rebuilds import Rebuilds
from dataflow.engine.router import GroupRouter
from dataflow.engine.service_tasks import watch_service_tasks
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.topic import BatchTopic, CountedTable
from dataflow.engine.topology import Topology, Work
from dataflow.engine.transport import BatchConductor, BatchTransport, credentials
from dataflow.engine.watch import Watch
from dataflow.errors import Misconfigured
from dataflow.private_files import private_folder

A = TypeVar("A")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 64 << 20  # of freed memory that malloc keeps, so that batch buffers are not faulted in anew


class BootStrategy(FaustBootStrategy):
    """Starts the engine before the consumer, and stops it after."""

    def kafka_producer(self) -> Iterable[ServiceT]:
        """Return the engine, which waits for the broker, who watches it, rebuilds, and Faust's producer."""
        app = cast("App", self.app)
        return [app.watch, app.engine, app.rebuilds, *super().kafka_producer()]


class App(faust.App):
    """A Faust app whose batch topics and windowed tables are exactly once.

    Ordinary topics, agents, tables, timers and views work as ever beside them.
    """

    BootStrategy = BootStrategy
    Settings = AppSettings

    observer: Observer | None = None
    """How this worker asks who has the partitions, if it takes none."""

    def __init__(self, name: str, *, engine: EngineOptions | None = None, **settings: Any) -> None:
        """Declare an app; one without `engine` has to be connected before it starts."""
        self.topology = Topology()
        self._turns = LoopTurns()
        watch_service_tasks()
        super().__init__(name, **FAUST_SETTINGS, **settings)
        if engine is not None:
            self.connect(engine)

    def configure(self, name: str, **settings: Any) -> None:
        """Replace name and Faust settings of the app; declarations have kept nothing of those before."""
        self._default_options = (name, {**FAUST_SETTINGS, **settings})
        self._conf = None

    def connect(self, options: EngineOptions) -> None:
        """Tell the app its broker, and give it an engine; call it before the app starts."""
        conf, connection = self.conf, options.connection
        servers = cast("list[str]", connection["bootstrap_servers"])
        conf.broker = [URL(f"kafka://{server}") for server in servers]
        conf.broker_credentials = credentials(connection)
        if "client_id" in connection:
            conf.broker_client_id = str(connection["client_id"])
        if options.instance_id is not None:
            conf.consumer_group_instance_id = options.instance_id
        for name in self.topology.listed_tables:
            self.tables.pop(name, None)  # the engine recovers them, not Faust
        self.topology.dead_letters = options.dead_letter_topic
        self.engine = Engine(self, self.topology, options, beacon=self.beacon)

    @property
    def app_id(self) -> str:
        """Prefix of the changelogs: that of the group, unless several groups share the streams."""
        return (self.engine.options.app_id if self.is_connected else None) or self.conf.id

    @property
    def is_connected(self) -> bool:
        """Tell whether the app has its engine."""
        return "engine" in vars(self)

    @cached_property
    def engine(self) -> Engine:
        """The engine of this worker."""
        raise Misconfigured("app is not connected to a broker; expected connect() before it starts")

    @cached_property
    def watch(self) -> Watch:
        """Who sees whether the engine gets on."""
        return Watch(self.engine, beacon=self.beacon)

    def worker_init_post_autodiscover(self) -> None:
        """Show our tables to the commands of Faust that list tables."""
        super().worker_init_post_autodiscover()
        if not self.is_connected:
            self.tables.update(self.topology.listed_tables)

    @property
    def batch_consumer(self) -> BatchConsumer:
        """The consumer, as what it is."""
        return cast("BatchConsumer", self.consumer)

    @cached_property
    def router(self) -> GroupRouter:
        """What knows which worker owns which partitions."""
        if self.observer is None:
            return GroupRouter(self, self.engine.siblings, self.topology, is_observer=False)
        siblings = SiblingGroups(self.app_id, self.conf.id, self.observer)
        return GroupRouter(self, siblings, self.topology, is_observer=True)

    def only_observe(self) -> None:
        """Take no partitions: ask the workers that have taken them."""
        self.observer = Observer(self.engine.options.connection, self.topology)
        self.add_dependency(self.observer)

    @cached_property
    def rebuilds(self) -> Rebuilds:
        """What counts tables anew."""
        return Rebuilds(self.engine, beacon=self.beacon)

    @cached_property
    def queries(self) -> Queries:
        """What workers ask one another."""
        return Queries(self, self.engine, self.router)

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self, self.engine)

    def _new_conductor(self) -> ConductorT:
        # Faust asks a transport for it; declaring an agent needs the one, and must not make the other.
        return BatchConductor(self, self.topology)

    def batches(
        self, name: str, *, event_time: EventTime | None = None, columns: Collection[str] = ()
    ) -> BatchTopic:
        """Return a topic that is read and written in record batches.

        Tables count the `columns` of its events, those of the stage that its agent applies, and
        need an event time; raises `Misconfigured` if that is none of them.
        """
        self.topology.topics.add(name)
        return BatchTopic(self, topics=[name], event_time=event_time, columns=columns)

    def windowed_table(
        self, counted: BatchTopic | Sequence[BatchTopic], table: WindowedTable
    ) -> CountedTable:
        """Count events of one topic, or of several, in `table`; kept, recovered and served by the engine.

        Each source partition keeps its own part, answers merge them: windows close by the
        event times of each partition alone. Raises `Misconfigured` for a column that a topic
        does not have.
        """
        self.topology.add_table(table, (counted,) if isinstance(counted, BatchTopic) else counted)
        return CountedTable(table)

    def agent(
        self, channel: str | ChannelT[A] | None = None, **settings: Any
    ) -> Callable[[AgentFun[A]], AgentT[A]]:
        """Declare an agent; on a batch topic exactly one, and without concurrency.

        Two agents would each finish the same batch, and concurrent ones would finish out
        of order: outputs could not keep the order of their partition.
        """
        if isinstance(channel, str) and channel in self.topology.topics:
            raise Misconfigured(f"topic of an agent is {channel!r}; expected the object that batches() gave")
        declare = super().agent(channel, **settings)

        def declare_once(function: AgentFun[A]) -> AgentT[A]:
            name = getattr(function, "__qualname__", repr(function))
            if not isinstance(channel, BatchTopic):
                names = [channel] if isinstance(channel, str) else getattr(channel, "topics", ())
                self.topology.add_event_reader(f"agent {name}", names)
                return declare(function)
            _check_settings(name, channel.get_topic_name(), settings)
            self.topology.add_agent(name, channel, cast("Work", function))
            return declare(self._watched(name, function))

        return declare_once

    def leave_out(self, agent: AgentT[Any]) -> None:
        """Do not start an agent that is declared; its topic is not read."""
        del self.agents[agent.name]
        self.topology.leave_out(cast("BatchTopic", agent.channel))

    def take(self, topics: Collection[str]) -> None:
        """Start only the agents of these source topics; others are read by other groups of this app."""
        for agent in list(self.agents.values()):
            channel = agent.channel
            if isinstance(channel, BatchTopic) and channel.get_topic_name() not in topics:
                del self.agents[agent.name]
                self.topology.sources[channel.get_topic_name()].is_taken = False

    def _watched(self, name: str, function: AgentFun[A]) -> AgentFun[A]:
        """Return the agent's function; if it ends in any way while the worker runs, that is a bug.

        Faust would start it again, behind a batch that nobody finishes.
        """
        if not inspect.iscoroutinefunction(function):
            raise Misconfigured(f"agent {name} is {function!r}; expected an `async def` without yield")

        @wraps(function)
        async def run(batches: StreamT[A]) -> None:
            try:
                stream = BatchStream(name, cast("StreamT[Batch]", batches), self._turns)
                await function(cast("StreamT[A]", stream))
            except BaseException as error:
                self.engine.on_bug(error)
                raise
            self.engine.on_bug(UnaccountedEvents(f"agent {name} has ended; expected it to read on for ever"))

        return run

    def _on_autodiscovery_error(self, name: str) -> None:
        """End the program when a module of agents or views cannot be imported; Faust would only log it."""
        error = sys.exc_info()[1]
        assert error is not None, name
        raise error

    def _create_directories(self) -> None:
        """Make the data folder, parents too, which Faust does not; a worker that has none works, too."""
        with suppress(OSError):
            private_folder(self.conf.datadir)
            super()._create_directories()

    async def on_started(self) -> None:
        """Keep buffers and settled objects out of the way of malloc and the garbage collector."""
        await super().on_started()
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
            libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)


def _check_settings(name: str, topic: str, settings: Mapping[str, object]) -> None:
    refused = {"concurrency", "isolated_partitions", "sink"} & set(settings)
    if refused:
        raise Misconfigured(
            f"agent {name} on batch topic {topic} sets {', '.join(sorted(refused))}; expected "
            "none: a partition is worked on in order, and outputs go through send_batch()"
        )
