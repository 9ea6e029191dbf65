"""Tables in PostgreSQL: which topic's records each takes, and what of a record in which column."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import faust

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Beside `columns` (column: field) it has topic, partition, offset, day and ts."""

    name: str
    topic: str
    record: type[faust.Record]
    time: str
    """Field with the event time, ISO 8601, UTC where it names no offset."""
    columns: Mapping[str, str]
    numbers: frozenset[str] = frozenset()
    """Columns of numbers that are sent as text."""
    stored_as: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """What becomes of the texts of a column before they are stored."""


def tables_of(topics: Mapping[str, DeclaredTopic]) -> tuple[Table, ...]:
    """Return the tables of those topics that have one."""
    return tuple(_table_of(topic) for topic in topics.values() if topic.table)


def _table_of(topic: DeclaredTopic) -> Table:
    declared, record, event_time = topic.table, topic.record, topic.event_time
    assert declared is not None, topic.name
    assert record is not None, topic.name
    if event_time is None or topic.fields[event_time.column].types != {str}:
        raise Misconfigured(
            f"topic {topic.name} has a table and no event time as text; expected one, ISO 8601, for its days"
        )
    names = declared.only or [
        name for name in topic.fields if name != event_time.column and name not in declared.without
    ]
    columns = {declared.renamed.get(name, name): name for name in names}
    numbers = {column for column, name in columns.items() if topic.fields[name].is_number_as_text}
    stored_as = {
        column: declared.stored_as[name] for column, name in columns.items() if name in declared.stored_as
    }
    return Table(declared.name, topic.name, record, event_time.column, columns, frozenset(numbers), stored_as)


TABLES = tables_of(TOPICS)
