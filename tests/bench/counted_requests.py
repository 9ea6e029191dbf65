"""Counted requests: what tables count of log lines in, the cells that a table must have out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, NamedTuple

WINDOWS = {"minute": 60, "hour": 3_600, "day": 86_400, "all": 0}
"""Seconds of each window of the tables."""

TABLES = {
    "requests_per_endpoint": "endpoint",
    "requests_per_status": "status",
    "requests_per_country": "country",
    "top_clients": "client",
}
"""What each table counts by."""

WITH_CLIENTS = ("requests_per_endpoint", "requests_per_country")
WITH_QUANTILES = ("requests_per_endpoint",)
EXACT_QUANTILES = 1_000
"""Values of a cell; above there is a sketch, which throws coins."""

NONE, LONGEST_LABEL = "(none)", 200

WindowEntry = tuple[str, int]
"""Key, and start of the window in seconds since 1970 UTC."""


class CountedRequest(NamedTuple):
    """What tables count of one request."""

    at_seconds: int
    endpoint: str
    status: str
    bytes: int
    client: object
    country: object
    response_time_ms: float | None


def cells_of(
    table: str, requests: Iterable[CountedRequest], window: str
) -> dict[WindowEntry, dict[str, object]]:
    """Return the cells of a table for windows of this size."""
    grouped: defaultdict[WindowEntry, list[CountedRequest]] = defaultdict(list)
    seconds = WINDOWS[window]
    for request in requests:
        key = getattr(request, TABLES[table])
        start = request.at_seconds - request.at_seconds % seconds if seconds else 0
        grouped[_label(key), start].append(request)
    return {cell: _summaries(table, few) for cell, few in grouped.items()}


def without_sketches(
    cells: Mapping[WindowEntry, Mapping[str, Any]],
) -> dict[WindowEntry, dict[str, object]]:
    """Return cells without the quantiles of those that had too many values for exact ones."""
    return {
        cell: {
            name: value
            for name, value in aggregations.items()
            if name != "response_time_ms" or aggregations["count"] <= EXACT_QUANTILES
        }
        for cell, aggregations in cells.items()
    }


def _label(key: object) -> str:
    text = NONE if key is None else str(key)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _summaries(table: str, requests: list[CountedRequest]) -> dict[str, object]:
    made: dict[str, object] = {
        "count": len(requests),
        "bytes": sum(request.bytes for request in requests),
        "errors": sum(int(request.status) >= 500 for request in requests),
    }
    if table in WITH_CLIENTS:
        made["distinct_clients"] = len({request.client for request in requests})
    if table in WITH_QUANTILES:
        times = sorted(r.response_time_ms for r in requests if r.response_time_ms is not None)
        made["response_time_ms"] = {f"p{share}": _quantile(times, share) for share in (50, 90, 99)}
    return made


def _quantile(ranked: list[float], share: int) -> float | None:
    return ranked[ceil(share * len(ranked) / 100) - 1] if ranked else None
