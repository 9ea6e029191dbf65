"""Answers about tables: what there is, and the windows of one."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from dataflow.web.answer import Answer, Lag, Partitions
from dataflow.web.csv_sheet import Sheet


class TableDescription(Answer):
    """A table, and how it may be asked."""

    name: str
    topics: list[str]
    key: Annotated[str, Meta(description="Field that is counted by")]
    key_parts: Annotated[
        list[str],
        Meta(description="Words of a key, by which keys are chosen and put together"),
    ]
    windows: list[str]
    aggregations: list[str]
    orders: Annotated[list[str], Meta(description="What entries can be ordered by")]
    lateness_seconds: Annotated[
        float | None, Meta(description="How late an event may come; null: windows never close")
    ]
    max_keys: int
    partitions: int


class TableList(Answer):
    """All tables."""

    tables: list[TableDescription]


class TopValue(Answer):
    """One of the greatest values, and how often it came."""

    value: str
    count: int


Aggregate: TypeAlias = str | int | float | list[TopValue] | dict[str, float | None] | None

Entry = Annotated[
    dict[str, Aggregate],
    Meta(
        title="Entry",
        description="A key and its aggregations: numbers, null for none, or the greatest values",
        extra_json_schema={
            "required": ["key", "count"],
            "properties": {"key": {"type": "string"}, "count": {"type": "integer"}},
        },
    ),
]


class TableWindow(Answer):
    """One window; `(other)` stands for the keys of a full one."""

    start: Annotated[str | None, Meta(description="UTC; null for all time")]
    end: Annotated[str | None, Meta(description="The first instant after it")]
    closed: Annotated[bool, Meta(description="Nothing more is added")]
    total: Annotated[int, Meta(description="Entries that it has in all, `(other)` not among them")]
    entries: list[Entry]


class Apart(Answer):
    """Events that windows could not take."""

    late: int
    undated: int
    future: int


class TableAnswer(Answer):
    """Windows in the order of time."""

    table: str
    window: str
    windows: list[TableWindow]
    next: Annotated[str | None, Meta(description="Address of the next page; null: this is the last")]
    partitions: Partitions
    lag: Lag
    apart: Apart
    suspended: Annotated[
        dict[str, str], Meta(description="Why partitions that are missing count nothing for now")
    ]
    since: Annotated[
        str | None,
        Meta(description="From when it counts every event; null: from the beginning of its topics"),
    ]


def sheet_of(answer: TableAnswer) -> Sheet:
    """Return the entries of all windows, each with its window."""
    rows = [
        {"start": window.start, "end": window.end, **entry}
        for window in answer.windows
        for entry in msgspec.json.decode(msgspec.json.encode(window.entries), type=list[Entry])
    ]
    is_whole = answer.next is None and not answer.partitions.missing
    return Sheet(answer.table, rows, is_whole, answer.next)
