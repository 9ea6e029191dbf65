"""Questions about a span, as the windowed tables and PostgreSQL are each asked them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from dataflow.analytics.ranking import Page, RankedKey, page_of
from dataflow.analytics.span import Span
from dataflow.analytics.statements import Statement, failures, ranking
from dataflow.engine.tables import WindowedTable

T = TypeVar("T")

Totals = Mapping[str, Sequence[int]]
"""By key, one number for each of `Question.summaries`."""


class Row(Protocol):
    """One row of PostgreSQL's answer."""

    def __getitem__(self, column: str) -> int | str | None:
        """Return a value."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A question, as both sources are asked it."""

    span: Span
    table: WindowedTable
    aggregations: Sequence[str]
    keyed: bool
    """Whether keys are wanted, or only sums over all of them."""
    from_totals: Callable[[Totals], T]
    statement: Statement
    from_rows: Callable[[Sequence[Row]], T]


class Failures(NamedTuple):
    """Requests, and those of them that the server failed: status 500 and more."""

    total: int
    errors: int

    @property
    def error_rate(self) -> float:
        """The share of failures; 0 where there are no requests."""
        return self.errors / self.total if self.total else 0.0


def ranking_question(
    table: WindowedTable, column: str, span: Span, limit: int, after: RankedKey | None
) -> Question[Page]:
    """Ask which keys of a table, the values of a column, have most requests."""

    def from_totals(totals: Totals) -> Page:
        return page_of(((key, count) for key, (count,) in totals.items()), limit, after)

    def from_rows(rows: Sequence[Row]) -> Page:
        entries = [
            RankedKey(int(row["count"] or 0), str(row["key"])) for row in rows if row["key"] is not None
        ]
        return Page(int(rows[0]["total"] or 0), entries[:limit], is_last=len(entries) <= limit)

    statement = ranking(column, span, limit, after)
    return Question(span, table, ("count",), True, from_totals, statement, from_rows)


def failure_question(table: WindowedTable, span: Span) -> Question[Failures]:
    """Ask how many requests there were, and how many failed."""

    def from_totals(totals: Totals) -> Failures:
        total, errors = (sum(column) for column in zip((0, 0), *totals.values(), strict=True))
        return Failures(total, errors)

    def from_rows(rows: Sequence[Row]) -> Failures:
        return Failures(int(rows[0]["total"] or 0), int(rows[0]["errors"] or 0))

    return Question(span, table, ("count", "errors"), False, from_totals, failures(span), from_rows)
