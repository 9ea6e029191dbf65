"""Agreement: tables and PostgreSQL say the same of the same range, to the last request."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import quote

import pytest
from analytics.sent import NEWEST, counted, ranked

from dataflow.analytics.span import Bound

DAY_AFTER_LATE = datetime(2015, 5, 19, tzinfo=UTC)
LAST_HOURS = NEWEST.replace(minute=0) - timedelta(hours=5)


def _some_ranges():
    """Return ranges of whole days, hours and minutes that windows are kept of."""
    random, ranges = Random(11), [("", ""), ("2015-05-19", "2015-05-20"), ("2015-05-20", "")]
    for first, last, step in (
        (DAY_AFTER_LATE, NEWEST, timedelta(hours=1)),
        (LAST_HOURS, NEWEST, timedelta(minutes=1)),
    ):
        steps = (last - first) // step
        for _ in range(4):
            begin, end = sorted(random.sample(range(steps), 2))
            since, until = first + begin * step, first + end * step - timedelta(milliseconds=1)
            ranges.append((f"{since:%Y-%m-%dT%H:%MZ}", until.isoformat(timespec="milliseconds")))
    ranges.append((f"{NEWEST:%Y-%m-%dT%H:%M}", f"{NEWEST:%Y-%m-%dT%H:%M}"))
    ranges.append(("2015-05-20T22:00+02:00", "2015-05-20T22:29:59+02:00"))
    return ranges


def _query(start, end, **more):
    bounds = {"start": start, "end": end, **more}
    return "&".join(f"{name}={quote(str(value))}" for name, value in bounds.items() if value != "")


def _bounds(start, end):
    return (Bound.parse(start).first_ms if start else None, Bound.parse(end).after_last_ms if end else None)


def _every_page(worker, path, key, query, limit):
    """Return all keys and counts of an answer, page by page, and the first page."""
    first = page = worker.get(f"{path}?{query}&limit={limit}").json
    found = [(entry[key[:-1]], entry["count"]) for entry in page[key]]
    while page["next"]:
        page = worker.get(f"{path}?{query}&limit={limit}&after={quote(page['next'], safe='')}").json
        found += [(entry[key[:-1]], entry["count"]) for entry in page[key]]
    return found, first


@pytest.mark.parametrize(("start", "end"), _some_ranges())
@pytest.mark.parametrize("source", ["tables", "postgres"])
def test_both_sources_count_every_request_of_a_range(stored, sent, source, start, end):
    """The truth is what was sent, read by expressions that share no code with the worker."""
    query, wanted = _query(start, end, source=source), counted(sent, *_bounds(start, end))
    worker = stored.worker
    endpoints, page = _every_page(worker, "/analytics/requests_per_endpoint", "endpoints", query, 1_000)
    assert (page["source"], page["exact"], page["total"]) == (source, True, len(wanted))
    assert endpoints == ranked(Counter(request.endpoint for request in wanted))
    ips, page = _every_page(worker, "/analytics/top_ips", "ips", query, 1_000)
    assert (page["source"], page["exact"], page["total"]) == (source, True, len(wanted))
    assert ips == ranked(Counter(request.client for request in wanted))
    rate = worker.get(f"/analytics/error_rate?{query}").json
    errors = sum(request.is_error for request in wanted)
    assert (rate["total"], rate["errors"], rate["exact"]) == (len(wanted), errors, True)
    assert rate["error_rate"] == (errors / len(wanted) if wanted else 0.0)
