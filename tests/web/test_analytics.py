"""Analytics of a worker without PostgreSQL: what is asked for wrongly is told, with what was expected."""

import pytest

RATE, IPS = "/analytics/error_rate", "/analytics/top_ips"
DATE = "expected an ISO 8601 date (2026-01-31) or date-time (2026-01-31T12:00:00Z), UTC where it names no"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{RATE}?start=yesterday", f"start is 'yesterday'; {DATE}"),
        (f"{RATE}?start=2015-05-17T10:00:00+02:00", f"start is '2015-05-17T10:00:00 02:00'; {DATE}"),
        (f"{RATE}?end=2015-02-30", f"end is '2015-02-30'; {DATE}"),
        (f"{RATE}?end=20150517", f"end is '20150517'; {DATE}"),
        (f"{RATE}?end=9999-12-31", f"end is '9999-12-31'; {DATE}"),
        (f"{RATE}?end=", f"end is ''; {DATE}"),
        (
            f"{RATE}?start=2015-05-18&end=2015-05-17",
            "start is '2015-05-18'; expected an instant before end, which is 2015-05-17",
        ),
        (f"{RATE}?start=2015-05-18&start=2015-05-17", "start is '2015-05-18, 2015-05-17'; expected it once"),
        (f"{RATE}?limit=3", "parameter is 'limit'; expected start, end or source"),
        (f"{RATE}?source=kafka", "source is 'kafka'; expected tables or postgres"),
        (f"{IPS}?limit=0", "limit is '0'; expected a whole number from 1 to 1000"),
        (f"{IPS}?limit=1001", "limit is '1001'; expected a whole number from 1 to 1000"),
        (f"{IPS}?limit=ten", "limit is 'ten'; expected a whole number from 1 to 1000"),
        (f"{IPS}?limit=%D9%A3", "limit is '٣'; expected a whole number from 1 to 1000"),
        (f"{IPS}?after=5", "after is '5'; expected next of the page before, such as 17:/path"),
        (f"{IPS}?top=3", "parameter is 'top'; expected start, end, source, limit or after"),
        (
            f"{IPS}?source=postgres",
            "source is 'postgres'; expected tables, as DATAFLOW_POSTGRES_URL is not set",
        ),
        (
            f"{IPS}?start=2015-05-20T10:00:30Z",
            "range is not one that tables tell of: start and end are not those of whole minutes; expected ",
        ),
        (
            f"{IPS}?end=2015-05-18T10:00",
            "range is not one that tables tell of: minute windows of top_clients are kept from 2015-05-",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(worker, path, message):
    """A 400: asked again, it is as wrong as before."""
    reply = worker.get(path)
    assert (reply.status, reply.json["error"][: len(message)]) == (400, message)


def test_without_postgres_the_tables_say_what_they_lack(worker):
    """One line came late for its minute; nobody else could tell of it."""
    found = worker.get(f"{RATE}?start=2015-05-17&end=2015-05-17").json
    assert (found["source"], found["exact"]) == ("tables", False)
    assert found["lacks"] == ["requests up to 2015-05-17T10:05:03.606Z that came after their day was closed"]


def test_the_answer_has_its_shape(worker):
    """What a program reads."""
    found = worker.get(f"{IPS}?limit=2&start=2015-05-19&end=2015-05-20").json
    assert list(found) == [
        "start",
        "end",
        "source",
        "why",
        "exact",
        "lacks",
        "lag",
        "total",
        "ips",
        "next",
    ]
    assert [list(entry) for entry in found["ips"]] == [["ip", "count"]] * 2
    last = found["ips"][-1]
    assert found["next"] == f"{last['count']}:{last['ip']}"
    rate = worker.get(RATE).json
    assert list(rate)[-3:] == ["total", "errors", "error_rate"]
    assert rate["error_rate"] == rate["errors"] / rate["total"]


def test_a_range_that_is_not_there_says_what_would_have_it(worker):
    """Whoever runs the worker can set it."""
    refused = worker.get(f"{IPS}?start=2015-05-20T10:00:30Z").json["error"]
    assert refused.endswith("expected another; for other ranges DATAFLOW_POSTGRES_URL is not set")
