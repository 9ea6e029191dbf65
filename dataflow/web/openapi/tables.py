"""Tables and streams, as OpenAPI tells of them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.web.openapi.operation import (
    DATE_TIME,
    Answer,
    Content,
    Operation,
    Parameter,
    one_of,
    path_parameter,
    whole_number,
)

TAG = "Counts"
AWAY = "No owner of a partition has answered in time; ask again"


class Lag(Answer):
    """How far what is counted is behind the topics."""

    records: int
    seconds: Annotated[float, Meta(description="How long the oldest of them has been in Kafka")]


class Partitions(Answer):
    """Which partitions are in the answer."""

    answered: list[int]
    missing: Annotated[list[int], Meta(description="Not in the counts: their owners have not answered")]


class Described(Answer):
    """A table, and how it may be asked."""

    name: str
    topics: list[str]
    key: Annotated[str, Meta(description="Field that is counted by")]
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

    tables: list[Described]


class Entry(msgspec.Struct):
    """A key and its summaries: numbers, null for none, or the greatest values with their counts."""

    key: str
    count: int


class TableWindow(Answer):
    """One window; `(other)` stands for the keys of a full one."""

    start: Annotated[str | None, Meta(description="UTC; null for all time")]
    end: Annotated[str | None, Meta(description="The first instant after it")]
    closed: Annotated[bool, Meta(description="Nothing more is added")]
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
    partitions: Partitions
    lag: Lag
    apart: Apart


class StreamTotals(Answer):
    """Every event ends in one place: received = sent + dropped + dead_lettered."""

    received: int
    sent: int
    dropped: int
    dead_lettered: int


class Details(Answer):
    """Drops by rule, dead letters by reason."""

    dropped: dict[str, int]
    dead_lettered: dict[str, int]


class StreamsAnswer(Answer):
    """All streams, each by its topic."""

    streams: dict[str, StreamTotals]
    details: dict[str, Details]
    partitions: dict[str, Partitions]
    lag: dict[str, Lag]


NAME = path_parameter("name", "Name of a table", "requests_per_status")
OF_WINDOWS = (
    Parameter("window", "Window size; all time where none is given", one_of("minute", "hour", "day", "all")),
    Parameter("from", "Windows that end after this instant", DATE_TIME),
    Parameter("to", "Windows that begin before this instant", DATE_TIME),
    Parameter("merge", "Put the windows together", one_of("true", "false", usual="false")),
)
REFUSALS = {400: "A parameter is not as expected", 404: "There is no such table or key", 503: AWAY}

OPERATIONS = (
    Operation("get", "/tables", TAG, "What is counted", answer=Content(schema=TableList)),
    Operation(
        "get",
        "/tables/{name}",
        TAG,
        "Counts of a table, by window of event time",
        "Any worker answers for the whole cluster.",
        (
            NAME,
            *OF_WINDOWS,
            Parameter("top", "So many entries of each window", whole_number(1, 999_999_999), 10),
            Parameter("order", "Summary that entries are ordered by, the greatest first; or key"),
        ),
        answer=Content(schema=TableAnswer),
        refusals=REFUSALS,
    ),
    Operation(
        "get",
        "/tables/{name}/{key}",
        TAG,
        "Counts of one key",
        "A key may hold slashes, written as they are or as %2F.",
        (NAME, path_parameter("key", "A key that the table has counted", "404"), *OF_WINDOWS),
        answer=Content(schema=TableAnswer),
        refusals=REFUSALS,
    ),
    Operation(
        "get",
        "/streams",
        TAG,
        "What came in, and where it ended",
        "Since the beginning, over all workers and crashes.",
        answer=Content(schema=StreamsAnswer),
        refusals={400: "There are no parameters", 503: AWAY},
    ),
)
