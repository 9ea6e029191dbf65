"""The topology: which topics are read in batches, which tables are counted from them, what is written."""

from dataclasses import dataclass, field

from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.topic import BatchTopic


@dataclass(slots=True)
class Source:
    """A topic that an agent reads in batches, and the tables counted from it.

    One changelog serves all tables of a source: one batch a partition and checkpoint.
    """

    topic: BatchTopic
    changelog: str
    tables: list[WindowedTable] = field(default_factory=list)
    agent: str | None = None


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

    def sources_of(self, table: WindowedTable) -> list[str]:
        """Return the topics that this table counts."""
        return [topic for topic, source in self.sources.items() if table in source.tables]
