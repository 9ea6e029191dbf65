"""Requests to a table: which of its windows and entries are wanted."""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, NamedTuple, Self

from msgspec import Meta

from dataflow.engine.tables import Count, Sum, Window, WindowedTable, orders
from dataflow.engine.tables.table import COUNT, KEY
from dataflow.errors import one_of
from dataflow.http_error import bad_value
from dataflow.instants import instant_ms
from dataflow.web.json_schema import Json
from dataflow.web.key_choice import ALL_APART, KeyChoice, PartValues
from dataflow.web.parameter import NoParameters, about, named

EACH: Final = "each"
TOGETHER: Final = "together"

EXPECTED = "an ISO 8601 date or date-time, UTC where it names no offset (its + is written %2B here)"

SIZES = ("minute", "hour", "day", "all")
Top = Annotated[int, Meta(ge=1, le=999_999_999)]

NEWEST: Final = 60
"""How many windows, from the newest, if there is no range."""

MOST_ENTRIES: Final = 1_000
USUAL_ENTRIES: Final = 100
"""Of one answer: as many as may be asked for, and where nothing is said."""


class Instant(str):
    """An ISO 8601 date or date-time, as it was written."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the instant that a text names; raise ValueError."""
        instant_ms(text)
        return cls(text)

    @property
    def ms(self) -> int:
        """The instant in ms since 1970 UTC; raises ValueError for another text."""
        return instant_ms(self)

    @classmethod
    def json_schema(cls) -> Json:
        """Return how it is written."""
        return {"type": "string", "title": EXPECTED, "examples": ["2026-01-31", "2026-01-31T12:00:00Z"]}


_PLACE: Final = re.compile(r"([0-9]{1,18}):([0-9]{1,18})")  # workers send each other 64 bits


class PageStart(NamedTuple):
    """A place between two pages: so many entries of the window that starts here have been shown."""

    start: int
    shown: int


class WindowPlace(str):
    """A `PageStart`, as `next` of a page writes it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a text names; raise ValueError."""
        place = cls(text)
        _ = place.value
        return place

    @property
    def value(self) -> PageStart:
        """The place; raises ValueError for another text."""
        written = _PLACE.fullmatch(self)
        if written is None:
            raise ValueError(str(self))
        return PageStart(int(written[1]), int(written[2]))

    @classmethod
    def json_schema(cls) -> Json:
        """Return how it is written."""
        return {"type": "string", "title": "a place as next of the page before has it, such as 0:100"}


def ms_of(instant: Instant | None) -> int | None:
    """Return ms since 1970 UTC; None for no bound."""
    return None if instant is None else instant.ms


class WindowsRequest(NoParameters, kw_only=True):
    """Windows of a table: without from, to and after the newest."""

    name: Annotated[str, about("Name of a table", example="requests_per_status")]
    window: Annotated[str | None, about("Window size; default: all time", names=SIZES)] = None
    start: Annotated[Instant | None, about("Windows that end after this instant")] = named("from")
    end: Annotated[Instant | None, about("Windows that begin before this instant")] = named("to")
    merge: Annotated[Literal["true", "false"], about("Merge the windows into one")] = "false"
    topic: Annotated[str | None, about("Only what was counted from this topic")] = None
    newest: Annotated[
        int | None, about("How many windows, from the newest, if there is no range"), Meta(ge=1, le=1_000)
    ] = None
    limit: Annotated[int, about("How many entries in one answer"), Meta(ge=1, le=MOST_ENTRIES)] = (
        USUAL_ENTRIES
    )
    after: Annotated[WindowPlace | None, about("Where the previous page ended")] = None


class TableRequest(WindowsRequest, kw_only=True):
    """Windows of a table, and which of their entries."""

    top: Annotated[Top | None, about("How many entries of each window", example=10)] = None
    keys: Annotated[
        str, about("An entry for `each` key, one for all `together`, or one for each value of a part of keys")
    ] = "each"
    where: Annotated[PartValues | None, about("Only keys with these parts, as status=404 country=DE")] = None
    order: Annotated[str, about("Aggregation to sort the entries by, the largest first; or key")] = COUNT


class KeyRequest(WindowsRequest, kw_only=True):
    """Windows of one key of a table."""

    key: Annotated[str, about("A key that the table has counted", example="404")]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read of a table.

    The windows are those that overlap [`from_ms`, `to_ms`), in ms since 1970 UTC; None: no bound.
    """

    window: Window
    from_ms: int | None = None
    to_ms: int | None = None
    merge: bool = False
    limit: int = USUAL_ENTRIES
    after: PageStart | None = None
    top: int | None = None
    order: str = COUNT
    key: str | None = None
    """None: all keys."""
    topic: str | None = None
    """None: all of the table's."""
    newest: int = NEWEST
    """So many windows where there is no range."""
    keys: str = EACH
    """What is an entry, as it was asked for."""
    where: PartValues | None = None
    choice: KeyChoice = ALL_APART
    """What both mean."""

    @property
    def has_one_entry(self) -> bool:
        """Tell whether a window is answered by one entry: that of a key, or of all."""
        return self.choice.is_together or self.key is not None

    @property
    def wants_newest(self) -> bool:
        """Tell whether the newest windows are asked for, as there is no range."""
        return self.from_ms is None and self.to_ms is None and self.after is None


def select(table: WindowedTable, request: WindowsRequest) -> Selection:
    """Return what a request reads of this table; raise `HttpError` for what the table does not have.

    Without `window` it is all time, or the largest window of a table that does not keep all time.
    """
    window = _window(table, request.window)
    start, end = request.start, request.end
    for name, bound in (("from", start), ("to", end)):
        if bound is not None and not window.size_ms:
            raise bad_value(name, bound, f"none with window={window.name}, which is one for all time")
    if start is not None and end is not None and start.ms >= end.ms:
        raise bad_value("from", start, f"an instant before to, which is {end}")
    if request.newest is not None and (start is not None or end is not None):
        raise bad_value("newest", str(request.newest), "none with from or to")
    after = None if request.after is None else request.after.value
    selection = Selection(window, ms_of(start), ms_of(end), request.merge == "true", request.limit, after)
    selection = replace(selection, newest=request.newest or NEWEST, topic=request.topic)
    if isinstance(request, KeyRequest):
        return replace(selection, key=request.key)
    assert isinstance(request, TableRequest)
    choice, order = _choice(table, request), _order(table, request.order)
    return replace(
        selection, top=request.top, order=order, keys=request.keys, where=request.where, choice=choice
    )


def _choice(table: WindowedTable, request: TableRequest) -> KeyChoice:
    """Return which keys are meant, and what of them is put together; raise `HttpError` for what cannot be."""
    if request.keys == TOGETHER and request.top is not None:
        raise bad_value("top", str(request.top), "none with keys=together, which puts all keys together")
    if request.keys == TOGETHER and request.order != COUNT:
        raise bad_value("order", request.order, "none with keys=together, which has one entry a window")
    parts = table.key_parts
    if request.keys not in (EACH, TOGETHER, *parts):
        raise bad_value("keys", request.keys, f"{one_of((EACH, TOGETHER, *parts))}, as {table.name} has")
    if request.keys in parts and request.order not in _sums(table):
        raise bad_value("order", request.order, f"{one_of(_sums(table))} with keys={request.keys}")
    given = {} if request.where is None else request.where.by_part
    unknown = next((name for name in given if name not in parts), None)
    if unknown is not None:
        expected = f"one of {one_of(parts)}" if parts else "none, as its keys have no parts"
        raise bad_value("part", unknown, f"{expected}, in where of {table.name}")
    where = tuple((parts.index(name), value) for name, value in given.items())
    by = parts.index(request.keys) if request.keys in parts else None
    return KeyChoice(len(parts) or 1, where, by, request.keys == TOGETHER)


def _sums(table: WindowedTable) -> list[str]:
    """Return what the entries of several keys can be ordered by together."""
    return [KEY, *(name for name, each in table.aggregations.items() if isinstance(each, Count | Sum))]


def _window(table: WindowedTable, name: str | None) -> Window:
    if name is None:
        return table.every_window[-1]
    try:
        return table.window(name)
    except KeyError:
        sizes = one_of(window.name for window in table.every_window)
        raise bad_value("window", name, f"{sizes}, as {table.name} has") from None


def _order(table: WindowedTable, name: str) -> str:
    if name not in orders(table):
        raise bad_value("order", name, f"{one_of(orders(table))}, as {table.name} has")
    return name
