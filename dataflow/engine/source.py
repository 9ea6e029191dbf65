"""A source: a topic that an agent reads in batches, the tables counted from it, and their changelog."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.engine.tables.table import WindowedTable

if TYPE_CHECKING:
    from dataflow.engine.topic import BatchTopic


@dataclass(slots=True)
class Source:
    """One changelog serves all tables of a source: one batch a partition and checkpoint."""

    topic: "BatchTopic"
    changelog: str
    tables: list[WindowedTable] = field(default_factory=list)
    agent: str | None = None
