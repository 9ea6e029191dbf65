"""Windowed tables: the declaration of what is counted, by which key, in which windows."""

import re
from collections.abc import Sequence
from typing import Any, Final, Self

from dataflow.engine.tables.aggregations import Aggregation, Count
from dataflow.engine.tables.windows import ALL, DAY, HOUR, MINUTE, Window

_NAME = re.compile(r"[a-z][a-z0-9_]*")

COUNT: Final = "count"
KEY: Final = "key"
MAX_PER_KEY: Final = "max_per_key"
LEAST_PARTS: Final = 2
_TAKEN: Final = {"each", "together"}
DEFAULT_MAX_KEYS: Final = 10_000


class PartedKey(str):
    """A key column whose values are words, the last of which may have spaces; `parts` names them.

    Answers can be of the keys in which a part has some value, and put those together that have one in common.
    """

    __slots__ = ("parts",)

    parts: tuple[str, ...]

    def __new__(cls, column: str, *parts: str) -> Self:
        """Name the column and its parts."""
        if len(parts) < LEAST_PARTS or not all(map(_NAME.fullmatch, parts)) or _TAKEN & set(parts):
            raise ValueError(f"parts of key {column} are {parts}; expected two or more of {_NAME.pattern}")
        made = super().__new__(cls, column)
        made.parts = parts
        return made


class WindowedTable:
    """Aggregations per key and event-time window, kept apart for each partition of a topic.

        stays_per_category = WindowedTable(
            "stays_per_category", key="stay_category", windows=(DAY,),
            distinct_hotels=Distinct("hotel_id"),
        )

    Every table counts its rows: `count=Count()` need not be said. `lateness_ms` is how far behind
    the newest event time of its partition a row may come and still be added; None: windows never
    close. A window holds at most twice `max_keys` keys, the rest under `(other)`; without `max_keys`
    the app sets the limit.
    Once key, windows or aggregations change it is suspended until it is rebuilt (`dataflow tables rebuild`).
    """

    def __init__(
        self,
        name: str,
        *,
        key: str,
        windows: Sequence[Window] = (MINUTE, HOUR, DAY),
        all_time: bool = True,
        lateness_ms: int | None = None,
        max_keys: int | None = None,
        **aggregations: Aggregation[Any, Any],  # each has a state of its own type
    ) -> None:
        self.name = name
        self.key = str(key)  # JSON is made of plain texts only
        self.key_parts = key.parts if isinstance(key, PartedKey) else ()
        self.windows = tuple(sorted(windows, key=lambda window: window.size_ms))
        self.all_time = all_time
        self.lateness_ms = lateness_ms
        self.has_default_limit = max_keys is None
        self.max_keys = DEFAULT_MAX_KEYS if max_keys is None else max_keys
        self.aggregations: dict[str, Aggregation[Any, Any]] = {COUNT: Count(), **aggregations}
        self.columns = (key, *(each.column for name, each in aggregations.items() if name != COUNT))
        """What it reads of every row."""
        self._check()

    def __repr__(self) -> str:
        return f"<WindowedTable {self.declared}>"

    @property
    def every_window(self) -> tuple[Window, ...]:
        """The window sizes, the smallest first, all time last."""
        return (*self.windows, ALL) if self.all_time else self.windows

    @property
    def declared(self) -> str:
        """What the entries of the changelog depend on, as one line."""
        sizes = ",".join(f"{w.name}:{w.size_ms}" for w in self.every_window)
        aggregations = ",".join(f"{name}={aggregation!r}" for name, aggregation in self.aggregations.items())
        return f"{self.name} key={self.key} windows={sizes} summaries={aggregations}"

    def window(self, name: str) -> Window:
        """Return the window size of this name; raise KeyError if the table has none."""
        return {window.name: window for window in self.every_window}[name]

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"table name is {self.name!r}; expected {_NAME.pattern}")
        if self.max_keys < 1:
            raise ValueError(f"max_keys of {self.name} is {self.max_keys}; expected at least 1")
        if self.lateness_ms is not None and self.lateness_ms < 0:
            raise ValueError(f"lateness of {self.name} is {self.lateness_ms} ms; expected 0 or more")
        self._check_aggregations()
        self._check_windows()

    def _check_aggregations(self) -> None:
        for name, aggregation in self.aggregations.items():
            if not _NAME.fullmatch(name) or name in {KEY, MAX_PER_KEY}:
                raise ValueError(
                    f"aggregation name is {name!r}; expected {_NAME.pattern}, not {KEY}, {MAX_PER_KEY}"
                )
            if isinstance(aggregation, Count) != (name == COUNT):
                raise ValueError(
                    f"{name} of {self.name} is {aggregation!r}; expected Count() as {COUNT}, nowhere else"
                )

    def _check_windows(self) -> None:
        if not self.every_window or len({w.name for w in self.every_window}) < len(self.every_window):
            raise ValueError(f"windows of {self.name} are {self.windows}; expected different names")
        if any(not window.size_ms for window in self.windows):
            raise ValueError(f"windows of {self.name} are {self.windows}; expected all_time=True for all")
        for small, large in zip(self.windows, self.windows[1:], strict=False):
            if large.size_ms % small.size_ms:  # a group of the small window goes whole into the large
                raise ValueError(f"windows of {self.name} are {small.size_ms} and {large.size_ms} ms; "
                                 "expected each to be a multiple of the one before")  # fmt: skip
        if self.lateness_ms is None and any(w.retention_ms is not None for w in self.windows):
            raise ValueError(f"lateness of {self.name} is None; "
                             "expected a number of ms where windows have a retention")  # fmt: skip
