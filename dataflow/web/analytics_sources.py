"""Sources of analytics: the windowed tables, and else PostgreSQL."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta

from dataflow.analytics.lag import unfinished_records
from dataflow.analytics.question import Question
from dataflow.analytics.range_totals import NoAnswer, NotCovered
from dataflow.analytics.span import Span
from dataflow.app import app
from dataflow.catalogue.streams.access_logs import ACCESS_LOGS, ACCESS_LOGS_PARSED
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS, CDN_LOGS_FILTERED, CDN_LOGS_PARSED
from dataflow.errors import SinkUnavailable
from dataflow.http_error import HttpError, unavailable
from dataflow.instants import datetime_of
from dataflow.web.answer import Answer
from dataflow.web.totals import query_totals

T = TypeVar("T")
C_co = TypeVar("C_co", covariant=True)

UNSET = "DATAFLOW_POSTGRES_URL is not set"

Source = Literal["tables", "postgres"]
"""Where an answer comes from."""


class SourceLag(Answer):
    """How much is not yet counted."""

    records: Annotated[int | None, Meta(description="null: Kafka does not tell")]
    seconds: Annotated[float | None, Meta(description="null: not known")]


@dataclass(frozen=True, slots=True)
class SourcedAnswer(Generic[C_co]):
    """An answer, where it comes from and why, and what is not in it."""

    content: C_co
    source: Source
    why: str
    lacks: list[str]
    lag: SourceLag


async def answer(question: Question[T], wanted: Source | None) -> SourcedAnswer[T]:
    """Answer by the tables if they have all of the span, else by PostgreSQL if there is one.

    If neither has all of it, the tables say what they have. `wanted` leaves no choice. Raises `HttpError`.
    """
    if wanted == "postgres":
        return await _by_postgres(question, "source is postgres")
    try:
        answered = await _by_tables(question)
    except NotCovered as reason:
        if app.context.stored_requests is None or wanted == "tables":
            raise _no_source(reason) from reason
        return await _by_postgres(question, str(reason))
    has_more = app.context.stored_requests is not None and not _not_stored(question.span)
    if answered.lacks and has_more and wanted is None:
        return await _by_postgres(question, f"tables lack {'; '.join(answered.lacks)}")
    return answered


async def _by_tables(question: Question[T]) -> SourcedAnswer[T]:
    cluster = await query_totals(question.table, question.span, question.aggregations, keyed=question.keyed)
    content = await asyncio.to_thread(question.from_totals, cluster.totals.by_key)
    why = f"{cluster.window.name} windows of {question.table.name} hold this range"
    lag = SourceLag(cluster.lag.records, cluster.lag.seconds)
    return SourcedAnswer(content, "tables", why, list(cluster.totals.lacks), lag)


async def _by_postgres(question: Question[T], why: str) -> SourcedAnswer[T]:
    if app.context.stored_requests is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"source is 'postgres'; expected tables, as {UNSET}")
    try:
        rows, records = await asyncio.gather(app.context.stored_requests.fetch(question.statement), _lag())
    except SinkUnavailable as error:
        raise unavailable(str(error)) from error
    lag = SourceLag(records, None)
    return SourcedAnswer(question.from_rows(rows), "postgres", why, _not_stored(question.span), lag)


def _no_source(reason: NotCovered) -> HttpError:
    if isinstance(reason, NoAnswer):
        return unavailable(str(reason))
    otherwise = f"; for other ranges {UNSET}" if app.context.stored_requests is None else ""
    return HttpError(
        HTTPStatus.BAD_REQUEST, f"range is not one that tables tell of: {reason}; expected another{otherwise}"
    )


async def _lag() -> int | None:
    """Return how many records are on their way to PostgreSQL."""
    settings = app.settings
    typed = [CDN_LOGS_FILTERED.name] if settings.types_cdn_logs else []
    groups = {
        settings.app_id: [ACCESS_LOGS.name, CDN_LOGS.name, *typed],
        app.context.sink_options.group_of("postgres"): [ACCESS_LOGS_PARSED.name, CDN_LOGS_PARSED.name],
    }
    return await unfinished_records(app.context.connection, groups)


def _not_stored(span: Span) -> list[str]:
    """Return what is known not to be in PostgreSQL."""
    lacks, filter_rules = [], app.context.filter_rules
    if not app.settings.types_cdn_logs:
        lacks.append(f"requests of {CDN_LOGS.name}: only typed ones are stored (DATAFLOW_CDN_PARSED)")
    elif filter_rules.version is not None and filter_rules.current.topics - {CDN_LOGS_FILTERED.name}:
        elsewhere = f"that filter rules send elsewhere than to {CDN_LOGS_FILTERED.name}"
        lacks.append(f"requests of {CDN_LOGS.name} {elsewhere}")
    days = app.settings.postgres_retention_days
    first_kept = days and datetime.now(UTC).date() - timedelta(days=days)
    if first_kept and (span.start_ms is None or datetime_of(span.start_ms).date() < first_kept):
        lacks.append(f"requests of days before {first_kept} (DATAFLOW_POSTGRES_RETENTION_DAYS)")
    return lacks
