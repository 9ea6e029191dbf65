"""Statements: SQL over all requests of a span that PostgreSQL has, and its parameters."""

from dataflow.analytics.ranking import RankedKey
from dataflow.analytics.span import FIRST_MS, Span
from dataflow.engine.tables import NONE
from dataflow.engine.tables.labels import LONGEST
from dataflow.instants import datetime_of

Statement = tuple[str, list[object]]

TABLES = ("web_logs", "cdn_requests")

# ruff: noqa: S608 - nothing of a request stands in the text of a statement


def ranking(column: str, span: Span, limit: int, after: RankedKey | None) -> Statement:
    """Return what gives total, and key and count of the requests by a column: one page, and one key more.

    Keys are those of the windowed tables: short, and never null.
    """
    where, parameters = _within(span)
    each = " UNION ALL ".join(
        f"SELECT {column} AS value, count(*) AS requests FROM {table} {where} GROUP BY 1" for table in TABLES
    )
    where = ""
    if after is not None:
        parameters += [after.count, after.key]
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


def failures(span: Span) -> Statement:
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
    start = datetime_of(max(span.start_ms or FIRST_MS, FIRST_MS))
    conditions = ["ts >= $1 AND day >= $2", "ts < (day + 1)::timestamp AT TIME ZONE 'UTC'"]
    parameters: list[object] = [start, start.date()]
    if span.end_ms is not None:
        end = datetime_of(span.end_ms)
        conditions.append("ts < $3 AND day <= $4")
        parameters += [end, end.date()]
    return f"WHERE {' AND '.join(conditions)}", parameters
