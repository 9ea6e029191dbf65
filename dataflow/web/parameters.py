"""Parameters of a query: the pairs behind the question mark in, one checked `Selection` out."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from dataflow.engine.tables import Window, WindowedTable, orders
from dataflow.engine.tables.table import COUNT
from dataflow.http_error import bad_value
from dataflow.instants import instant_ms

KEY_PARAMETERS: Final = ("window", "from", "to", "merge")
TABLE_PARAMETERS: Final = (*KEY_PARAMETERS, "top", "order")

_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_INSTANT = "an ISO 8601 date or date-time, UTC where it names no offset (its + is written %2B here)"


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a table is asked for.

    The windows are those that overlap [`from_ms`, `to_ms`), in ms since 1970 UTC; None: no bound.
    """

    window: Window
    from_ms: int | None = None
    to_ms: int | None = None
    merge: bool = False
    top: int | None = None
    order: str = COUNT


def single_values(pairs: Iterable[tuple[str, str]], known: Collection[str]) -> dict[str, str]:
    """Return the parameters by name; refuse unknown and repeated ones."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise bad_value("parameter", name, one_of(known) if known else "none here")
        if name in values:
            raise bad_value(name, f"{values[name]}, {value}", "it once")
        values[name] = value
    return values


def select(table: WindowedTable, values: dict[str, str]) -> Selection:
    """Return what the parameters ask of this table; refuse the first that says nothing sensible.

    Without `window` it is all time, or the largest window of a table that does not keep all time.
    """
    window = _window(table, values.get("window"))
    from_ms, to_ms = (_bound(name, values.get(name), window) for name in ("from", "to"))
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise bad_value("from", values["from"], f"an instant before to, which is {values['to']}")
    return Selection(
        window,
        from_ms,
        to_ms,
        merge=_merge(values.get("merge", "false")),
        top=_top(values.get("top")),
        order=_order(table, values.get("order", COUNT)),
    )


def one_of(names: Iterable[str]) -> str:
    """Return the names as a message lists them."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _window(table: WindowedTable, name: str | None) -> Window:
    if name is None:
        return table.every_window[-1]
    try:
        return table.window(name)
    except KeyError:
        sizes = one_of(window.name for window in table.every_window)
        raise bad_value("window", name, f"{sizes}, as {table.name} has") from None


def _bound(name: str, text: str | None, window: Window) -> int | None:
    if text is None:
        return None
    if not window.size_ms:
        raise bad_value(name, text, f"none with window={window.name}, which is one for all time")
    try:
        return instant_ms(text)
    except ValueError:
        raise bad_value(name, text, _INSTANT) from None


def _merge(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_value("merge", text, "true or false")
    return text == "true"


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not _WHOLE_NUMBER.fullmatch(text) or int(text) < 1:
        raise bad_value("top", text, "a whole number from 1 to 999999999")
    return int(text)


def _order(table: WindowedTable, name: str) -> str:
    if name not in orders(table):
        raise bad_value("order", name, f"{one_of(orders(table))}, as {table.name} has")
    return name
