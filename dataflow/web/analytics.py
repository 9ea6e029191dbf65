"""Analytics: a range of time in; requests per endpoint, the busiest clients or the error rate in it out."""

from collections.abc import Collection, Mapping

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.analytics.question import failure_question, ranking_question
from dataflow.analytics.ranking import Counted, Page, read_place
from dataflow.analytics.span import EXPECTED, Span, after_last_ms, first_ms
from dataflow.engine.tables import WindowedTable
from dataflow.http_error import bad_value
from dataflow.web.analytics_sources import Answered, Source, answer
from dataflow.web.parameters import one_of, single_values
from dataflow.web.reply import as_json
from tables import requests_per_endpoint, requests_per_status, top_clients

SPAN_PARAMETERS = ("start", "end", "source")
RANKING_PARAMETERS = (*SPAN_PARAMETERS, "limit", "after")
MOST_ENTRIES = 1_000
ENDPOINTS, IPS = 100, 10
"""So many without `limit`."""

routes = RouteTableDef()


@routes.get("/analytics/requests_per_endpoint")
async def endpoints(request: Request) -> Response:
    """Answer how often each endpoint was asked for, the busiest first."""
    table = requests_per_endpoint.requests_per_endpoint.table
    return as_json(await _ranked(request, table, ("endpoint", "endpoints"), ENDPOINTS))


@routes.get("/analytics/top_ips")
async def top_ips(request: Request) -> Response:
    """Answer which clients asked most."""
    table = top_clients.top_clients.table
    return as_json(await _ranked(request, table, ("ip", "ips"), IPS))


@routes.get("/analytics/error_rate")
async def error_rate(request: Request) -> Response:
    """Answer which share of the requests the server failed, by a status of 500 or more."""
    values = single_values(request.query.items(), SPAN_PARAMETERS)
    span, table = _span(values), requests_per_status.requests_per_status.table
    answered = await answer(failure_question(table, span), _source(values))
    found = answered.content
    numbers = {"total": found.total, "errors": found.errors, "error_rate": found.error_rate}
    return as_json({**_described(span, answered), **numbers})


async def _ranked(
    request: Request, table: WindowedTable, names: tuple[str, str], usual: int
) -> Mapping[str, object]:
    """Return one page; `names` are those of one key and of all."""
    values = single_values(request.query.items(), RANKING_PARAMETERS)
    span, limit, after = _span(values), _limit(values.get("limit"), usual), _after(values.get("after"))
    one, every = names
    answered = await answer(ranking_question(table, one, span, limit, after), _source(values))
    page: Page = answered.content
    return {
        **_described(span, answered),
        "total": page.total,
        every: [{one: entry.key, "count": entry.count} for entry in page.entries],
        "next": None if page.is_last else str(page.entries[-1]),
    }


def _described(span: Span, answered: Answered[object]) -> Mapping[str, object]:
    return {
        **span.as_json(),
        "source": answered.source,
        "why": answered.why,
        "exact": not answered.lacks,
        "lacks": answered.lacks,
        "lag": answered.lag,
    }


def _span(values: Mapping[str, str]) -> Span:
    bounds: dict[str, int | None] = {"start": None, "end": None}
    for name, read in (("start", first_ms), ("end", after_last_ms)):
        if name in values:
            try:
                bounds[name] = read(values[name])
            except ValueError:
                raise bad_value(name, values[name], EXPECTED) from None
    span = Span(bounds["start"], bounds["end"])
    if span.is_empty:
        raise bad_value("start", values["start"], f"an instant before end, which is {values['end']}")
    return span


def _source(values: Mapping[str, str]) -> Source | None:
    return None if "source" not in values else Source(_known("source", values["source"], list(Source)))


def _known(name: str, value: str, names: Collection[str]) -> str:
    if value not in names:
        raise bad_value(name, value, one_of(names))
    return value


def _limit(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST_ENTRIES):
        raise bad_value("limit", text, f"a whole number from 1 to {MOST_ENTRIES}")
    return int(text)


def _after(text: str | None) -> Counted | None:
    if text is None:
        return None
    try:
        return read_place(text)
    except ValueError:
        raise bad_value("after", text, "next of the page before, such as 17:/path") from None
