"""Spans: ranges of event time, written as two inclusive instants of ISO 8601."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from dataflow.instants import iso_or_none, milliseconds_of

EXPECTED = (
    "an ISO 8601 date (2026-01-31) or date-time (2026-01-31T12:00:00Z), UTC where it names no offset "
    "(its + is written %2B here)"
)

_LAST_YEAR = 9998  # the last that tables take
_WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d(?P<minute>[T ]\d\d:\d\d(?P<second>:\d\d(?P<fraction>[.,]\d{1,9})?)?"
    r"(Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_DAY_MS, _MINUTE_MS, _SECOND_MS = 86_400_000, 60_000, 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """Event times in [`start_ms`, `end_ms`), ms since 1970 UTC; None: no bound.

    With neither bound it is everything, also what has no time.
    """

    start_ms: int | None = None
    end_ms: int | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether it ends before it begins."""
        return self.start_ms is not None and self.end_ms is not None and self.start_ms >= self.end_ms

    @property
    def first(self) -> str | None:
        """The first millisecond, as it can be asked for again."""
        return iso_or_none(self.start_ms)

    @property
    def last(self) -> str | None:
        """The last millisecond, as it can be asked for again."""
        return None if self.end_ms is None else iso_or_none(self.end_ms - 1)


class Bound(str):
    """One bound of a span, as it is written in ISO 8601."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the bound that a text names; raise ValueError."""
        bound = cls(text)
        bound._read()
        return bound

    @property
    def first_ms(self) -> int:
        """The instant that the text names, ms since 1970 UTC; raises ValueError for another text."""
        return self._read()[0]

    @property
    def after_last_ms(self) -> int:
        """Where the day, minute, second or millisecond ends that the text names.

        So an end is inclusive as exactly as it is written: ``2026-01-31`` is all of that day.
        """
        at_ms, written = self._read()
        if written["fraction"]:
            return at_ms + 1
        if written["second"]:
            return at_ms + _SECOND_MS
        return at_ms + (_MINUTE_MS if written["minute"] else _DAY_MS)

    @classmethod
    def json_schema(cls) -> dict[str, object]:
        """Return how it is written."""
        return {"type": "string", "title": EXPECTED, "examples": ["2026-01-31", "2026-01-31T12:00:00Z"]}

    def _read(self) -> tuple[int, re.Match[str]]:
        written = _WRITTEN.fullmatch(self)
        if written is None:
            raise ValueError(str(self))
        at = datetime.fromisoformat(self)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if at.year > _LAST_YEAR or at.year < 2:  # an offset may not lead out of the calendar
            raise ValueError(str(self))
        return milliseconds_of(at), written
