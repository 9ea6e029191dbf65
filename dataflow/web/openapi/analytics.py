"""Analytics, as OpenAPI tells of them."""

from typing import Annotated, Literal

from msgspec import Meta

from dataflow.web.openapi.operation import (
    DATE_TIME,
    Answer,
    Content,
    Operation,
    Parameter,
    one_of,
    whole_number,
)

TAG = "Analytics"


class OnTheWay(Answer):
    """How much is not yet counted."""

    records: Annotated[int | None, Meta(description="null: Kafka does not tell")]
    seconds: Annotated[float | None, Meta(description="null: not known")]


class _Answer(Answer):
    start: Annotated[str | None, Meta(description="First millisecond, UTC; null: no bound")]
    end: Annotated[str | None, Meta(description="Last millisecond, UTC; null: no bound")]
    source: Literal["tables", "postgres"]
    why: Annotated[str, Meta(description="Why this source has answered")]
    exact: Annotated[bool, Meta(description="Whether nothing is known to be missing")]
    lacks: Annotated[list[str], Meta(description="What is not in the counts")]
    lag: OnTheWay


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


class EndpointsAnswer(_Answer):
    """Endpoints, the busiest first; equal ones by name."""

    total: Total
    endpoints: list[EndpointCount]
    next: Next


class IpsAnswer(_Answer):
    """Clients, the busiest first; equal ones by address."""

    total: Total
    ips: list[IpCount]
    next: Next


class ErrorRateAnswer(_Answer):
    """Errors are requests with a status of 500 or more."""

    total: int
    errors: int
    error_rate: Annotated[float, Meta(description="errors / total; 0 without requests")]


SPAN = (
    Parameter("start", "First instant; UTC where it names no offset", DATE_TIME, "2015-05-19"),
    Parameter(
        "end",
        "Last instant, inclusive as exactly as it is written: a date is all of that day, 12:00 that minute, "
        "12:00:00 that second",
        DATE_TIME,
        "2015-05-20",
    ),
    Parameter(
        "source",
        "Who has to answer; else the tables if they have all of the range exactly, and else PostgreSQL",
        one_of("tables", "postgres"),
    ),
)
AFTER = Parameter("after", "`next` of the page before")
REFUSALS = {
    400: "A parameter is not as expected, or nobody here has the range",
    503: "PostgreSQL is away or has not answered within DATAFLOW_ANALYTICS_DEADLINE_MS, "
    "or no owner of a partition has answered",
}
ABOUT = "CDN and access logs together; of CDN logs what the filter lets pass. Without a bound: everything."


def _limit(usual: int) -> Parameter:
    return Parameter("limit", "So many entries a page", whole_number(1, 1_000, usual))


OPERATIONS = (
    Operation(
        "get",
        "/analytics/requests_per_endpoint",
        TAG,
        "How often each endpoint was asked for",
        ABOUT,
        (*SPAN, _limit(100), AFTER),
        answer=Content(schema=EndpointsAnswer),
        refusals=REFUSALS,
    ),
    Operation(
        "get",
        "/analytics/top_ips",
        TAG,
        "Which clients asked most",
        ABOUT,
        (*SPAN, _limit(10), AFTER),
        answer=Content(schema=IpsAnswer),
        refusals=REFUSALS,
    ),
    Operation(
        "get",
        "/analytics/error_rate",
        TAG,
        "Which share of the requests failed",
        ABOUT,
        SPAN,
        answer=Content(schema=ErrorRateAnswer),
        refusals=REFUSALS,
    ),
)
