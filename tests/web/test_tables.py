"""Tables over HTTP: the counts are right, the answer has its shape, and what is wrong is refused."""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from urllib.parse import quote

import pytest
from expected_stays import expected_stay_counts
from harness.pages import every_page
from harness.web_events import EVENTS, ODD_KEY

from dataflow.demo.samples import sample_events

BOOKINGS = [json.loads(raw) for raw in sample_events("expedia")]
REQUESTS = [json.loads(raw) for raw in EVENTS["cdn-logs"]]
ENDPOINTS = "/tables/requests_per_endpoint"
STATUSES = Counter(str(request["statusCode"]) for request in REQUESTS)


def get_json(worker):
    """Return what asks a worker for the answer of an address."""
    return lambda address: worker.get(address).json


def entries(answer, place=0):
    """Return the entries of a window by key."""
    return {entry["key"]: entry for entry in answer["windows"][place]["entries"]}


def test_the_stays_are_those_that_were_counted_by_hand(worker):
    """The one table whose true counts came with the samples."""
    stays = entries(worker.get("/tables/stays_per_category").json)
    assert {key: (stay["count"], stay["distinct_hotels"]) for key, stay in stays.items()} == {
        key: (stay["count_all"], stay["count_distinct"]) for key, stay in expected_stay_counts().items()
    }


def test_an_answer_has_all_that_it_takes_to_judge_it(worker):
    """Which windows, whether they are final, who has answered, how old it is, what is not in it."""
    answer = worker.get("/tables/requests_per_status?order=key").json
    assert {name: value for name, value in answer.items() if name != "windows"} == {
        "table": "requests_per_status",
        "window": "all",
        "next": None,
        "partitions": {"answered": [0, 1, 2, 3], "missing": []},
        "lag": {"records": 0, "seconds": 0.0},
        "apart": {"late": 0, "undated": 0, "future": 0},
        "suspended": {},
        "since": None,
    }
    [window] = answer["windows"]
    assert (window["start"], window["end"], window["closed"]) == (None, None, False)
    assert window["total"] == len(STATUSES)
    assert {entry["key"]: entry["count"] for entry in window["entries"]} == STATUSES
    assert list(window["entries"][0]) == ["key", "count", "bytes", "errors"]


def test_days_are_those_of_the_bookings_whatever_their_order(worker):
    """Event time: bookings come in no order of their date, and no day is ever closed."""
    counted = Counter(booking["date_time"][:10] for booking in BOOKINGS)
    answer = every_page(get_json(worker), "stays_per_category", "day")
    assert {
        window["start"]: sum(entry["count"] for entry in window["entries"]) for window in answer["windows"]
    } == {f"{day}T00:00:00Z": count for day, count in counted.items()}
    assert not any(window["closed"] for window in answer["windows"])
    assert [window["start"] for window in answer["windows"]] == sorted(f"{day}T00:00:00Z" for day in counted)


def test_from_is_in_the_range_and_to_is_not(worker):
    """Ranges that touch count no window twice."""
    answer = worker.get(
        "/tables/stays_per_category?window=day&from=2015-06-03&to=2015-06-05T00:00:00%2B00:00"
    ).json
    assert [(window["start"], window["end"]) for window in answer["windows"]] == [
        ("2015-06-03T00:00:00Z", "2015-06-04T00:00:00Z"),
        ("2015-06-04T00:00:00Z", "2015-06-05T00:00:00Z"),
    ]


def test_merged_windows_count_a_hotel_once(worker):
    """Distinct values are merged, not summed."""
    hotels = defaultdict(set)
    for booking in BOOKINGS:
        hotels[booking["date_time"][:7]].add(booking["hotel_id"])
    path = "/tables/stays_per_category?window=day&from=2015-06-01&to=2015-07-01&limit=1000"
    days, merged = worker.get(path).json, worker.get(f"{path}&merge=true").json
    [june] = merged["windows"]
    assert june["start"] == days["windows"][0]["start"]
    assert june["end"] == days["windows"][-1]["end"]
    short, every = entries(merged)["Short stay"], range(len(days["windows"]))
    assert short["count"] == sum(entries(days, n)["Short stay"]["count"] for n in every)
    assert short["distinct_hotels"] <= len(hotels["2015-06"])
    assert short["distinct_hotels"] < sum(entries(days, n)["Short stay"]["distinct_hotels"] for n in every)


def test_top_keeps_the_first_of_the_order_after_merging(worker):
    """What is ninth in every partition may be first over all of them."""
    sizes = Counter()
    for request in REQUESTS:
        sizes[str(request["statusCode"])] += int(request.get("bytes", 0))
    answer = worker.get("/tables/requests_per_status?order=bytes&top=3").json
    first = [(entry["key"], entry["bytes"]) for entry in answer["windows"][0]["entries"]]
    assert first == sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))[:3]


def test_what_came_too_late_for_its_window_is_told_apart(worker):
    """The odd one has the time of the first line and comes after the last."""
    answer = worker.get("/tables/requests_per_status?window=minute").json
    assert answer["apart"] == {"late": 1, "undated": 0, "future": 0}


@pytest.mark.parametrize(
    "path",
    [
        f"{ENDPOINTS}?limit=7&order=distinct_clients",
        f"{ENDPOINTS}?window=hour&top=3&limit=7",
        f"{ENDPOINTS}?window=day&merge=true&limit=50",
        f"{ENDPOINTS}//favicon.ico?window=hour&limit=2",
    ],
)
def test_the_address_of_the_next_page_leads_through_the_whole(worker, path):
    """Answers are bounded, and nothing is out of reach."""
    whole = worker.get(re.sub("limit=[0-9]+", "limit=1000", path)).json
    page = worker.get(path).json
    shown, pages = shown_in(page), 1
    while page["next"] and pages < 10:
        page = worker.get(page["next"]).json
        shown, pages = shown + shown_in(page), pages + 1
    assert pages > 2
    assert shown == shown_in(whole)[: len(shown)]


def shown_in(page):
    """Return what a page shows: the start of the window, and the entry."""
    return [(window["start"], entry) for window in page["windows"] for entry in window["entries"]]


def test_who_asks_again_is_told_that_nothing_has_changed(worker):
    """A page that looks each second costs next to nothing."""
    for path in (f"{ENDPOINTS}?window=minute&top=3", f"{ENDPOINTS}//favicon.ico", "/tables", "/streams"):
        reply = worker.wait_for(path, lambda reply: reply.status == 200)
        same = worker.get(path, If_None_Match=f'"other", {reply.headers["ETag"]}')
        other = worker.get(path, If_None_Match='"other"')

        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", reply.headers["ETag"]), path
        assert (other.status, other.body) == (200, reply.body), path
        assert reply.headers["Cache-Control"] == "no-cache"


def test_windows_are_closed_by_the_events_that_come_after_them(worker):
    """An hour of lateness before the newest they are final; no clock of a machine has a say."""
    answer = every_page(get_json(worker), "views_per_source_category", "minute")
    closed = [window["closed"] for window in answer["windows"]]
    assert closed == sorted(closed, reverse=True)
    assert closed[0] is True
    assert closed[-1] is False


@pytest.mark.parametrize(
    "written", ["/images/jordan-80.png", "%2Fimages%2Fjordan-80.png", "%2fimages/jordan-80.png"]
)
def test_a_key_may_hold_slashes_written_either_way(worker, written):
    """An endpoint begins with a slash, and people copy it as it is."""
    answer = worker.get(f"{ENDPOINTS}/{written}").json
    [entry] = answer["windows"][0]["entries"]
    assert entry["key"] == "/images/jordan-80.png"
    assert entry["count"] == sum(request["reqPath"] == "images/jordan-80.png" for request in REQUESTS)


@pytest.mark.parametrize("safe", ["", "/", "/<>\"'()!&+;=·@,$*:"])
def test_a_key_may_hold_anything(worker, safe):
    """Keys come from outside: a line end, a percent sign, HTML, another script."""
    answer = worker.get(f"{ENDPOINTS}/{quote(ODD_KEY, safe=safe.replace('·', ''))}".replace(" ", "%20")).json
    assert [(entry["key"], entry["count"]) for entry in answer["windows"][0]["entries"]] == [(ODD_KEY, 1)]


def test_a_key_without_events_in_the_range_is_no_unknown_key(worker):
    """It has counts; only there it has none."""
    reply = worker.get("/tables/stays_per_category/Long%20stay?window=day&to=1980-01-01")
    assert (reply.status, reply.json["windows"]) == (200, [])


def test_a_key_has_its_own_windows(worker):
    """The same answer as that of the table, with one entry each."""
    table = worker.get("/tables/requests_per_status?window=day").json
    one = worker.get("/tables/requests_per_status/404?window=day").json
    assert table["next"] is None
    assert [entries(one, n)["404"] for n in range(len(one["windows"]))] == [
        entries(table, n)["404"] for n in range(len(table["windows"]))
    ]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/tables/stays", 404, "table is 'stays'; expected "),
        ("/tables/stays/x", 404, "table is 'stays'; expected "),
        (
            "/tables/stays_per_category/short",
            404,
            "key is 'short'; expected one that stays_per_category has counted, such as 'Short stay', 'Stand",
        ),
        ("/tables/stays_per_category/", 404, "key is ''; expected one that stays_per_category has counted"),
        ("/tables/stays_per_category/%ff", 404, "key is '"),
        ("/tables/stays_per_category?window=hour", 400, "window is 'hour'; expected day or all, as stays_"),
        ("/tables/stays_per_category?window=%ff", 400, "window is '"),
        ("/tables/stays_per_category?window=%ed%a0%80", 400, "window is '"),
        ("/tables/stays_per_category?top=3&top=4", 400, "top is '3, 4'; expected it once"),
        ("/tables/stays_per_category?size=3", 400, "parameter is 'size'; expected window, from, to, merge, "),
        (
            "/tables/stays_per_category?limit=1001",
            400,
            "limit is '1001'; expected a whole number from 1 ",
        ),
        (
            "/tables/stays_per_category?after=x",
            400,
            "after is 'x'; expected a place as next of the ",
        ),
        ("/tables/stays_per_category/Long%20stay?top=3", 400, "parameter is 'top'; expected window, from, "),
        ("/tables?top=3", 400, "parameter is 'top'; expected none here"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(worker, path, status, message):
    """As JSON, with a status that programs understand."""
    reply = worker.get(path)
    assert reply.status == status
    assert reply.json["error"].startswith(message)


def test_who_asks_for_no_table_is_told_all_there_are(worker):
    """The next request can be right."""
    told = worker.get("/tables/stays").json["error"]
    assert all(table["name"] in told for table in worker.get("/tables").json["tables"])


def test_the_list_says_how_each_table_may_be_asked(worker):
    """A program, and the page, need nothing else to ask on."""
    tables = {table["name"]: table for table in worker.get("/tables").json["tables"]}
    assert list(tables) == sorted(tables)
    assert tables["views_per_page"] == {
        "name": "views_per_page",
        "topics": ["raw-web-events"],
        "key": "page_url_path",
        "key_parts": [],
        "windows": ["minute", "hour", "day", "all"],
        "aggregations": ["count", "distinct_users"],
        "orders": ["count", "distinct_users", "key"],
        "lateness_seconds": 3600.0,
        "max_keys": 10_000,
        "partitions": 4,
    }


def entries_of(answer):
    """Return the entries of all windows."""
    return [entry for window in answer["windows"] for entry in window["entries"]]


@pytest.mark.parametrize(
    ("address", "rows"),
    [
        ("/tables/requests_per_status?window=day", entries_of),
        ("/tables/requests_per_status/404?window=day", entries_of),
        ("/streams", lambda answer: list(answer["streams"].values())),
        ("/workers", lambda answer: [each for worker in answer["workers"] for each in worker["partitions"]]),
        ("/sinks", lambda answer: answer["sinks"]),
        ("/rules/log", lambda answer: answer["versions"]),
        ("/analytics/top_ips", lambda answer: answer["ips"]),
        ("/analytics/requests_per_endpoint", lambda answer: answer["endpoints"]),
    ],
)
def test_an_address_answers_its_rows_as_csv(worker, address, rows):
    """The page links to it; so may a spreadsheet."""
    expected = rows(worker.get(address).json)
    reply = worker.get(f"{address}{'&' if '?' in address else '?'}format=csv")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    found = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    assert len(found) == len(expected)
    for row, of in zip(found, expected, strict=True):
        numbers = {name: value for name, value in of.items() if type(value) is int and name != "lag_records"}
        assert {name: int(row[name]) for name in numbers} == numbers


def test_a_format_that_there_is_not_is_refused(worker):
    """Nobody takes JSON for a sheet."""
    reply = worker.get("/streams?format=xlsx")
    assert (reply.status, reply.json["error"]) == (400, "format is 'xlsx'; expected json or csv")
    assert worker.get("/tables?format=csv").status == 400
