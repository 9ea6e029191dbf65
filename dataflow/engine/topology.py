"""The topology: which topics are read in batches, which tables are counted from them, what is written."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol, cast

from faust.types import ChannelT

from dataflow.engine.batch import BatchStream
from dataflow.engine.column_batch import check_columns
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.topic import BatchTopic
from dataflow.errors import Misconfigured

Work = Callable[[BatchStream], Awaitable[None]]
"""What an agent does with batches, until there are no more."""


def changelog_of(app_id: str, topic: str) -> str:
    """Return the name of the changelog of the tables that are counted from a topic."""
    return f"{app_id}-{topic}-changelog"


class HasAppId(Protocol):
    """An app, as far as its changelogs are concerned."""

    @property
    def app_id(self) -> str:
        """Prefix of its changelogs."""


@dataclass(slots=True)
class Source:
    """A topic that an agent reads in batches, and the tables counted from it.

    One changelog serves all tables of a source: one batch a partition and checkpoint.
    """

    topic: BatchTopic
    tables: list[WindowedTable] = field(default_factory=list)
    agent: str | None = None
    is_taken: bool = True
    """Whether workers of this group read it; else those of another do, and are asked what they count."""
    work: Work | None = None

    @property
    def changelog(self) -> str:
        """The name of the changelog topic: it begins with the app's, which settings may change."""
        app = cast("HasAppId", self.topic.app)
        return changelog_of(app.app_id, self.topic.get_topic_name())


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A windowed table as commands of Faust show it."""

    name: str
    help: str

    def reset_state(self) -> None:
        """Do nothing for `faust reset`: the state of our tables is in the changelog only."""


@dataclass(slots=True)
class Topology:
    """What an app has declared, and how many partitions its topics have once the worker has started."""

    sources: dict[str, Source] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    """All batch topics, read or written."""
    partition_counts: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, set[str]] = field(default_factory=dict)
    """What is written of each source topic, as far as it has been since the start; dead letters, too."""
    dead_letters: str = ""
    """Where dead letters go, each to any partition that has a leader."""
    _event_readers: dict[str, str] = field(default_factory=dict)
    """Agents that read single events, by the topic."""

    @property
    def tables(self) -> list[WindowedTable]:
        """The tables of all sources, each once."""
        every = [table for source in self.sources.values() for table in source.tables]
        return list({table.name: table for table in every}.values())

    @property
    def changelogs(self) -> dict[str, str]:
        """The changelog of each source topic."""
        return {topic: source.changelog for topic, source in self.sources.items()}

    def note_output(self, source: str, output: str) -> None:
        """Note that records of a source topic are written to this one."""
        self.outputs.setdefault(source, set()).add(output)

    def writers_of(self, topics: Collection[str]) -> list[str]:
        """Return the source topics whose streams write to any of these, changelogs included."""
        return [
            source
            for source, changelog in self.changelogs.items()
            if {changelog, *self.outputs.get(source, ())} & set(topics)
        ]

    def source(self, topic: BatchTopic) -> Source:
        """Return what is declared of a topic that is read in batches; refuse one that is read as events."""
        name = topic.get_topic_name()
        if name in self._event_readers:
            raise _read_as_events(name, self._event_readers[name])
        return self.sources.setdefault(name, Source(topic))

    def add_table(self, table: WindowedTable, topics: Collection[BatchTopic]) -> None:
        """Count the events of these topics in a table; refuse a column that they do not have."""
        if any(other.name == table.name for other in self.tables):
            raise Misconfigured(f"table {table.name} is declared twice; expected one table of that name")
        for topic in topics:
            if topic.event_time is None:
                raise Misconfigured(
                    f"topic {topic.get_topic_name()} has no event_time; expected one, as "
                    f"{table.name} counts it"
                )
            subject = f"table {table.name} of topic {topic.get_topic_name()}"
            check_columns(subject, table.columns, topic.columns)
        for topic in topics:
            self.source(topic).tables.append(table)

    def add_agent(self, name: str, topic: BatchTopic, work: Work) -> None:
        """Have this agent read a batch topic; refuse a second one, as both would finish the same batch."""
        source = self.source(topic)
        if source.agent is not None:
            raise Misconfigured(
                f"agent {name} reads {topic.get_topic_name()}, which agent {source.agent} reads; expected "
                "one agent for a batch topic: do both steps in one, or read an output topic"
            )
        source.agent, source.work = name, work

    def add_event_reader(self, name: str, topics: Iterable[str]) -> None:
        """Have this agent read single events of ordinary topics; refuse topics that are read in batches."""
        for topic in topics:
            if topic in self.sources:
                raise _read_as_events(topic, name)
            self._event_readers[topic] = name

    def check_reader(self, channel: ChannelT[object]) -> None:
        """Refuse a stream of single events of a source, and one of batches that no agent finishes."""
        if isinstance(channel, BatchTopic):
            source = self.sources.get(channel.get_topic_name())
            if source is None or source.agent is None:
                raise Misconfigured(
                    f"batch topic {channel.get_topic_name()} is read without an agent; "
                    "expected a function with @app.agent(...)"
                )
        else:
            for topic in getattr(channel, "topics", ()):
                if topic in self.sources:
                    raise _read_as_events(topic, "a stream")

    def limit_keys(self, max_keys: int) -> None:
        """Set the limit of tables that declare none."""
        for table in self.tables:
            if table.has_default_limit:
                table.max_keys = max_keys

    def leave_out(self, topic: BatchTopic) -> None:
        """Do not read a topic that no table counts."""
        source = self.sources.pop(topic.get_topic_name())
        assert not source.tables, f"{topic} is counted"

    @property
    def taken(self) -> dict[str, Source]:
        """The sources that workers of this group read."""
        return {topic: source for topic, source in self.sources.items() if source.is_taken}

    @property
    def listed_tables(self) -> dict[str, ListedTable]:
        """The tables by name, with what each counts."""
        return {table.name: ListedTable(table.name, self._described(table)) for table in self.tables}

    def _described(self, table: WindowedTable) -> str:
        topics = " and ".join(self.sources_of(table))
        windows = ", ".join(window.name for window in table.every_window)
        return f"Counts {topics} by {table.key}; windows: {windows}."

    def sources_of(self, table: WindowedTable) -> list[str]:
        """Return the topics that this table counts."""
        return [topic for topic, source in self.sources.items() if table in source.tables]


def _read_as_events(topic: str, reader: str) -> Misconfigured:
    return Misconfigured(
        f"topic {topic} is read by {reader} as single events, and is a source of batches; expected "
        "one agent, on the object that batches() returned, with `async with batch:`"
    )
