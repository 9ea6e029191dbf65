"""The topology: which topics are read in batches, which tables are counted from them, what is written."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.topic import BatchTopic
from dataflow.errors import Misconfigured


@dataclass(slots=True)
class Source:
    """A topic that an agent reads in batches, and the tables counted from it.

    One changelog serves all tables of a source: one batch a partition and checkpoint.
    """

    topic: BatchTopic
    tables: list[WindowedTable] = field(default_factory=list)
    agent: str | None = None

    @property
    def changelog(self) -> str:
        """The name of the changelog topic: it begins with the app's, which settings may change."""
        return f"{self.topic.app.conf.id}-{self.topic.get_topic_name()}-changelog"


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

    @property
    def tables(self) -> list[WindowedTable]:
        """The tables of all sources, each once."""
        every = [table for source in self.sources.values() for table in source.tables]
        return list({table.name: table for table in every}.values())

    @property
    def changelogs(self) -> dict[str, str]:
        """The changelog of each source topic."""
        return {topic: source.changelog for topic, source in self.sources.items()}

    def source(self, topic: BatchTopic) -> Source:
        """Return what is declared of a topic that is read."""
        return self.sources.setdefault(topic.get_topic_name(), Source(topic))

    def add_table(self, table: WindowedTable, topics: Iterable[BatchTopic]) -> None:
        """Count the events of these topics in a table; raise `Misconfigured`."""
        if any(other.name == table.name for other in self.tables):
            raise Misconfigured(f"table {table.name} is declared twice; expected one table of that name")
        for topic in topics:
            if topic.event_time is None:
                raise Misconfigured(
                    f"topic {topic.get_topic_name()} has no event_time; expected one, as "
                    f"{table.name} counts it"
                )
            self.source(topic).tables.append(table)

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
