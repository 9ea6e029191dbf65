"""A topic as the catalogue declares it: what its records are, with which fields, and how it is kept."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import faust

from dataflow.engine.event_time import EventTime
from dataflow.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `types` are those of its values, without None; a list or a dict is there as such."""

    name: str
    types: frozenset[object]
    is_optional: bool

    @property
    def is_number_as_text(self) -> bool:
        """Tell whether senders may write a number in quotes."""
        return str in self.types and not self.types.isdisjoint({int, float})


def fields_of(record: type[faust.Record]) -> Mapping[str, Field]:
    """Return the fields of a Record by their names, in its order."""
    hints = get_type_hints(record)
    # What begins with an underscore is Faust's own.
    return {name: _field(name, hint) for name, hint in hints.items() if not name.startswith("_")}


def _field(name: str, hint: object) -> Field:
    types = set(get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,))
    return Field(name, frozenset(types - {NoneType}), NoneType in types)


def meanings_of(record: type[faust.Record]) -> Mapping[str, str]:
    """Return what the docstring below each field says, by the field's name."""
    meanings: dict[str, str] = {}
    for declared in reversed(record.__mro__[: record.__mro__.index(faust.Record)]):
        [definition] = ast.parse(textwrap.dedent(inspect.getsource(declared))).body
        assert isinstance(definition, ast.ClassDef)
        for member, text in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                match text:
                    case ast.Expr(value=ast.Constant(value=str(meaning))):
                        meanings[member.target.id] = inspect.cleandoc(meaning)
    return meanings


DAY_MS = 24 * 60 * 60 * 1000

Configs = Mapping[str, str]
"""Settings of a topic, by Kafka's own names."""


# What is written now is kept as long as the topic says, whatever time its event has: by the broker's clock,
# which refuses no record for its timestamp either.
BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}


def kept_for(days: int, **more: str) -> Configs:
    """Return the settings of a topic whose records are deleted so many days after they were written."""
    kept = {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), **BROKER_TIME}
    return MappingProxyType(kept | {name.replace("_", "."): value for name, value in more.items()})


KEPT_FOR_A_WEEK = kept_for(7)
LAST_OF_EACH_KEY: Configs = MappingProxyType({"cleanup.policy": "compact", **BROKER_TIME})
JUDGED_BY_BROKER = kept_for(1)  # whether one still lives is judged by one clock, the broker's


@dataclass(frozen=True, slots=True)
class PostgresTable:
    """The PostgreSQL table of a topic: a column for each field of its Record but the event time (`ts`)."""

    name: str
    only: tuple[str, ...] = ()
    """Only these fields; empty: all."""
    without: tuple[str, ...] = ()
    """All fields but these."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not named as their field, by the field."""
    stored_as: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """What becomes of a text before it is stored, by the field: the key that windowed tables count it by."""


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredTopic:
    """One topic; `record` is None where its values are not JSON objects, but any bytes."""

    name: str
    holds: str
    record: type[faust.Record] | None = None
    event_time: EventTime | None = None
    """The field of the Record with the event time."""
    configs: Configs = field(default_factory=lambda: KEPT_FOR_A_WEEK)
    partitions: int = 0
    """0: as many as DATAFLOW_PARTITIONS says. A topic may get more of them later."""
    beside: str | None = None
    """The topic that it has to have exactly as many partitions as, once that exists."""
    table: PostgresTable | None = None
    index_types: Mapping[str, str] = field(default_factory=dict)
    """OpenSearch: types of fields of which the Record does not tell enough."""
    is_csv: bool = False
    """The CSV sink stores it."""

    def __post_init__(self) -> None:
        """Refuse names of fields that the Record does not have."""
        if self.event_time is not None:
            self._check("event time", [self.event_time.column])
        if self.table is not None:
            self._check(
                "table", [*self.table.only, *self.table.without, *self.table.renamed, *self.table.stored_as]
            )
        if self.index_types:
            self._check("index types", self.index_types)
        if self.is_csv:
            self._check("CSV file", ())

    @property
    def retention_days(self) -> int | None:
        """How long a message is kept; None where the last one of every key is."""
        retention_ms = self.configs.get("retention.ms")
        return None if retention_ms is None else int(retention_ms) // DAY_MS

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of its records, by their names."""
        return {} if self.record is None else fields_of(self.record)

    def _check(self, subject: str, names: Iterable[str]) -> None:
        if self.record is None:
            raise Misconfigured(f"topic {self.name} has no Record; expected one for its {subject}")
        for name in names:
            if name not in self.fields:
                raise Misconfigured(
                    f"{subject} of topic {self.name} names {name!r}; expected a field of "
                    f"{self.record.__name__}: {', '.join(self.fields)}"
                )
