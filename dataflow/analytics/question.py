"""Questions about a span, as the windowed tables and PostgreSQL (by SQL) are each asked them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from dataflow.analytics.ranking import Page, RankedKey, page_of
from dataflow.analytics.span import Span
from dataflow.engine.tables import NONE, WindowedTable
from dataflow.engine.tables.labels import LONGEST
from dataflow.instants import EARLIEST_MS, datetime_of

T = TypeVar("T")

Totals = Mapping[str, Sequence[int]]  # by key, one number for each of `Question.summaries`

Row = Mapping[str, int | str | None]  # one row of PostgreSQL's answer

Statement = tuple[str, list[object]]  # SQL and its parameters

TABLES = ("web_logs", "cdn_requests")

# ruff: noqa: S608 - nothing of a request stands in the text of a statement


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

    statement = ranking_statement(column, span, limit, after)
    return Question(span, table, ("count",), True, from_totals, statement, from_rows)


def failure_question(table: WindowedTable, span: Span) -> Question[Failures]:
    """Ask how many requests there were, and how many failed."""

    def from_totals(totals: Totals) -> Failures:
        total, errors = (sum(column) for column in zip((0, 0), *totals.values(), strict=True))
        return Failures(total, errors)

    def from_rows(rows: Sequence[Row]) -> Failures:
        return Failures(int(rows[0]["total"] or 0), int(rows[0]["errors"] or 0))

    return Question(span, table, ("count", "errors"), False, from_totals, failure_statement(span), from_rows)


def ranking_statement(column: str, span: Span, limit: int, after: RankedKey | None) -> Statement:
    """Return what gives total, key and count of the requests by a column: one page, and one key more."""
    where, parameters = _within(span)
    each = " UNION ALL ".join(
        f"SELECT {column} AS value, count(*) AS requests FROM {table} {where} GROUP BY 1" for table in TABLES
    )
    where = ""
    if after is not None:
        # PostgreSQL takes no NUL, and stores none: what is behind this begin is behind all of the key.
        parameters += [after.count, after.key.partition("\0")[0]]
        count, key = f"${len(parameters) - 1}", f"${len(parameters)}"
        where = f'WHERE count < {count} OR count = {count} AND key > {key}::text COLLATE "C"'
    parameters.append(limit + 1)
    counted = f"SELECT {_LABEL} AS key, sum(requests)::bigint AS count FROM ({each}) each GROUP BY 1"
    page = f"SELECT * FROM counted {where} ORDER BY count DESC, key LIMIT ${len(parameters)}"
    total = "SELECT coalesce(sum(count), 0)::bigint AS total FROM counted"
    text = (
        f"WITH counted AS ({counted}) SELECT total, key, count FROM ({total}) total "
        f"LEFT JOIN ({page}) page ON true ORDER BY count DESC, key"
    )
    return text, parameters


def failure_statement(span: Span) -> Statement:
    """Return what gives the number of requests, and of those that the server failed."""
    where, parameters = _within(span)
    each = " UNION ALL ".join(
        f"SELECT count(*) AS total, count(*) FILTER (WHERE status >= 500) AS errors FROM {table} {where}"
        for table in TABLES
    )
    return f"SELECT sum(total)::bigint AS total, sum(errors)::bigint AS errors FROM ({each}) each", parameters


# In code points and in their order, as Python counts and sorts.
_LABEL = (
    f"coalesce(CASE WHEN length(value) > {LONGEST} THEN left(value, {LONGEST - 1}) || '…' ELSE value END, "
    f"'{NONE}') COLLATE \"C\""
)


def _within(span: Span) -> Statement:
    """Return the condition; by day whole partitions are left out, by ts parts of them."""
    if span == Span():
        return "", []
    # Of times that the tables do not believe these have none, either: before 1971, and so far ahead
    # that the row is in the partition of the day on which it came.
    start = datetime_of(max(span.start_ms or EARLIEST_MS, EARLIEST_MS))
    conditions = ["ts >= $1 AND day >= $2", "ts < (day + 1)::timestamp AT TIME ZONE 'UTC'"]
    parameters: list[object] = [start, start.date()]
    if span.end_ms is not None:
        end = datetime_of(span.end_ms)
        conditions.append("ts < $3 AND day <= $4")
        parameters += [end, end.date()]
    return f"WHERE {' AND '.join(conditions)}", parameters
