"""Analytics over HTTP: requests per endpoint, the busiest clients and the error rate of a range of time."""

from typing import Annotated, Any, Self

from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.analytics.question import failure_question, ranking_question
from dataflow.analytics.ranking import Page, RankedKey
from dataflow.analytics.span import Bound, Span
from dataflow.engine.tables import WindowedTable
from dataflow.http_error import bad_value
from dataflow.web.analytics_sources import Source, SourcedAnswer, SourceLag, answer
from dataflow.web.answer import Answer
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.json_schema import Json
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes
from tables.requests_per_endpoint import requests_per_endpoint
from tables.requests_per_status import requests_per_status
from tables.top_clients import top_clients

routes = Routes("Analytics")

ABOUT = (
    "It counts CDN and access logs together, of CDN logs those that the filter keeps. Without start and end "
    "it covers everything."
)
ERRORS = {
    400: "A parameter is not as expected, or neither the tables nor PostgreSQL have the range",
    503: "PostgreSQL has not answered within DATAFLOW_ANALYTICS_DEADLINE_MS, or no worker that owns a "
    "partition has answered",
}
START = "First instant; UTC if it has no offset"
END = (
    "Last instant. It includes the whole day, minute or second that you write, such as 2026-01-31, 12:00 "
    "or 12:00:00"
)
SOURCE = "Who answers; default: the tables if they have exactly this range, otherwise PostgreSQL"


class SpanRequest(NoParameters, kw_only=True):
    """A range of time."""

    start: Annotated[Bound | None, about(START, example="2015-05-19")] = None
    end: Annotated[Bound | None, about(END, example="2015-05-20")] = None
    source: Annotated[Source | None, about(SOURCE)] = None

    @property
    def span(self) -> Span:
        """The range; raises `HttpError` where it is empty."""
        start, end = self.start, self.end
        span = Span(start.first_ms if start else None, end.after_last_ms if end else None)
        if start and end and span.is_empty:
            raise bad_value("start", start, f"an instant before end, which is {end}")
        return span


class PagePlace(str):
    """A place between two pages, as `next` of a page says it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a text names; raise ValueError."""
        return cls(RankedKey.parse(text))

    @classmethod
    def json_schema(cls) -> Json:
        """Return how it is written."""
        return {"type": "string", "title": "next of the page before, such as 17:/path"}


After = Annotated[PagePlace | None, about("`next` of the previous page")]
LIMIT = "How many entries on a page"


class EndpointsRequest(SpanRequest, kw_only=True):
    """A page of endpoints."""

    limit: Annotated[int, about(LIMIT), Meta(ge=1, le=1_000)] = 100
    after: After = None


class IpsRequest(SpanRequest, kw_only=True):
    """A page of clients."""

    limit: Annotated[int, about(LIMIT), Meta(ge=1, le=1_000)] = 10
    after: After = None


class RangeAnswer(Answer):
    """A range, and who answers for it."""

    start: Annotated[str | None, Meta(description="First millisecond, UTC; null: no bound")]
    end: Annotated[str | None, Meta(description="Last millisecond, UTC; null: no bound")]
    source: Source
    why: Annotated[str, Meta(description="Why this source has answered")]
    exact: Annotated[bool, Meta(description="Whether nothing is known to be missing")]
    lacks: Annotated[list[str], Meta(description="What is not in the counts")]
    lag: SourceLag


RangeFields = tuple[str | None, str | None, Source, str, bool, list[str], SourceLag]
"""Those of a `RangeAnswer`, in their order."""


class EndpointCount(Answer):
    """An endpoint and its requests."""

    endpoint: Annotated[str, Meta(description="Path without its query; (none) for a request without one")]
    count: int


class IpCount(Answer):
    """A client and its requests."""

    ip: Annotated[str, Meta(description="Address, or the name where a server logs names")]
    count: int


Total = Annotated[int, Meta(description="Requests in the range, of all keys")]
Next = Annotated[str | None, Meta(description="`after` of the next page; null: this is the last")]


class EndpointsAnswer(RangeAnswer):
    """Endpoints, the busiest first; equal ones by name."""

    total: Total
    endpoints: list[EndpointCount]
    next: Next

    def sheet(self) -> Sheet:
        """Return a row for each endpoint."""
        return Sheet("requests_per_endpoint", rows_of(self.endpoints), self.exact and self.next is None)


class IpsAnswer(RangeAnswer):
    """Clients, the busiest first; equal ones by address."""

    total: Total
    ips: list[IpCount]
    next: Next

    def sheet(self) -> Sheet:
        """Return a row for each client."""
        return Sheet("top_ips", rows_of(self.ips), self.exact and self.next is None)


class ErrorRateAnswer(RangeAnswer):
    """Errors are requests with a status of 500 or more."""

    total: int
    errors: int
    error_rate: Annotated[float, Meta(description="errors / total; 0 without requests")]


@routes(
    "get",
    "/analytics/requests_per_endpoint",
    AccessRole.READ,
    description=ABOUT,
    has_etag=True,
    sheet=EndpointsAnswer.sheet,
    errors=ERRORS,
)
async def show_endpoints(request: EndpointsRequest) -> EndpointsAnswer:
    """How many requests each endpoint got."""
    range_fields, page = await _ranking(requests_per_endpoint.table, "endpoint", request)
    endpoints = [EndpointCount(entry.key, entry.count) for entry in page.entries]
    return EndpointsAnswer(*range_fields, page.total, endpoints, _next(page))


@routes(
    "get",
    "/analytics/top_ips",
    AccessRole.READ,
    description=ABOUT,
    has_etag=True,
    sheet=IpsAnswer.sheet,
    errors=ERRORS,
)
async def show_top_ips(request: IpsRequest) -> IpsAnswer:
    """Which clients sent most requests."""
    range_fields, page = await _ranking(top_clients.table, "ip", request)
    ips = [IpCount(entry.key, entry.count) for entry in page.entries]
    return IpsAnswer(*range_fields, page.total, ips, _next(page))


@routes("get", "/analytics/error_rate", AccessRole.READ, description=ABOUT, has_etag=True, errors=ERRORS)
async def show_error_rate(request: SpanRequest) -> ErrorRateAnswer:
    """Which share of the requests failed."""
    sourced = await answer(failure_question(requests_per_status.table, request.span), request.source)
    sums = sourced.content
    return ErrorRateAnswer(*_range(request.span, sourced), sums.total, sums.errors, sums.error_rate)


async def _ranking(
    table: WindowedTable, column: str, request: EndpointsRequest | IpsRequest
) -> tuple[RangeFields, Page]:
    after = None if request.after is None else RankedKey.parse(request.after)
    question = ranking_question(table, column, request.span, request.limit, after)
    sourced = await answer(question, request.source)
    return _range(request.span, sourced), sourced.content


def _range(span: Span, sourced: SourcedAnswer[Any]) -> RangeFields:
    exact = not sourced.lacks
    return span.first, span.last, sourced.source, sourced.why, exact, sourced.lacks, sourced.lag


def _next(page: Page) -> str | None:
    return None if page.is_last else str(page.entries[-1])
