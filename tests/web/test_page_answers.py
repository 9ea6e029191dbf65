"""What the pages make of answers that a worker gives seldom: refusals, odd keys, odd addresses."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

STATIC = Path(__file__).parents[2] / "dataflow" / "web" / "static"
CHROMIUM = Path("/usr/bin/chromium")
REASON = "merge is 'true'; expected a shorter range"
LONG = "/" + "a" * 2_000
TURNED = "/\u202egpj.exe"
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "other"]
BALANCE = {"received": 9, "sent": 9, "dropped": 0, "dead_lettered": 0}
STREAMS = {
    "streams": {"access-logs": BALANCE},
    "partitions": {"access-logs": {"answered": [0], "missing": []}},
    "lag": {"access-logs": {"records": 0, "seconds": 0}},
    "states": {"access-logs": {"state": "running", "pause": None}},
    "details": {"access-logs": {}},
}
TABLE = {
    "name": "requests_per_endpoint",
    "topics": ["access-logs"],
    "key": "endpoint",
    "windows": ["minute", "all"],
    "aggregations": ["count"],
}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
    ),
]


def counted(table: str) -> dict[str, object]:
    """Return the one window of a table."""
    keys = [f"{method} - person" for method in METHODS] if "kind" in table else [LONG, TURNED, "/c"]
    entries = [{"key": key, "count": 10, "bytes": 1, "errors": 0} for key in keys]
    window = {"start": "2026-12-01T11:00:00Z", "end": "2026-12-01T11:01:00Z", "closed": True}
    windows = [{**window, "total": len(keys), "entries": entries}]
    return {
        "table": table,
        "window": "minute",
        "windows": windows,
        "apart": {},
        "suspended": {},
        "since": None,
    }


def event_of(address: str, refused: str | None) -> str:
    """Return the answer to an address as an event; a 400 for those that the pattern matches."""
    fixed = {"streams": STREAMS, "tables": {"tables": [TABLE]}, "rules/versions": {}}
    table = urlsplit(address).path.split("/")[1:2]
    if refused is not None and re.search(refused, address):
        event = {"of": address, "status": 400, "answer": {"error": REASON}}
    else:
        answer = fixed[address] if address in fixed else counted(*table)
        event = {"of": address, "status": 200, "answer": answer}
    return f"event: answer\ndata: {json.dumps(event)}\n\n"


def serve(route: Route, refused: str | None) -> None:
    """Answer as a worker does: with a file of the dashboard, or with events."""
    url = urlsplit(route.request.url)
    if url.path == "/live":
        addresses = parse_qs(url.query)["of"][0].split(" ")
        body = "".join(event_of(address, refused) for address in addresses)
        route.fulfill(body=body, content_type="text/event-stream")
    elif url.path == "/session":
        route.fulfill(json={"user": None, "roles": ["read"], "can_log_in": False})
    else:
        route.fulfill(path=STATIC / (url.path.rpartition("/")[2] or "index.html"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an address while some questions are refused; no page may raise."""
    errors: list[str] = []
    page = chromium.new_page(viewport={"width": 1280, "height": 844})
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_(address: str, refused: str | None = None) -> Page:
        page.route("**/*", lambda route: serve(route, refused))
        page.goto(f"http://localhost/{address}")
        return page

    yield open_
    page.close()
    assert errors == []


@pytest.mark.parametrize("name", ["traffic", "stays", "sources", "tables"])
def test_a_refused_question_is_not_a_zero_and_not_awaited(open_page, name: str):
    """Tables too large for the range stayed at `Asking…`, stays and views were 0, a table was blank."""
    page = open_page(f"?page={name}&key=gone&last=30d", r"^tables/")
    expect(page.locator("main")).to_contain_text(f"No answer: {REASON}.")
    expect(page.locator("main")).not_to_contain_text("Asking…")
    expect(page.locator("main .value")).to_have_count(0)


def test_numbers_of_another_period_go_when_the_next_is_refused(open_page):
    """They stood under the name of the period that was asked for."""
    page = open_page("?page=tables&window=minute", "merge=true")
    expect(page.locator("#counts")).to_contain_text("/c")
    page.select_option("select[name=period]", "together")
    expect(page.locator("#apart")).to_have_text(f"No answer: {REASON}.")
    expect(page.locator("#counts")).to_be_hidden()


@pytest.mark.parametrize(
    ("period", "chosen"), [("rubbish", "newest"), ("2026-12-01", "2026-12-01T00:00:00Z")]
)
def test_any_period_of_the_address_can_be_opened(open_page, period: str, chosen: str):
    """An address that was cut when it was sent left the page empty; an older period had no name."""
    page = open_page(f"?page=tables&window=minute&period={period}")
    expect(page.locator("select[name=period]")).to_have_value(chosen)
    expect(page.locator("#counts")).to_contain_text("/c")


@pytest.mark.parametrize("bounds", ["from=x&to=y", "from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z"])
def test_a_range_of_no_sense_is_the_usual_one(open_page, bounds: str):
    """The page asked for it, and was refused."""
    page = open_page(f"?page=traffic&{bounds}")
    expect(page.locator("select[name=last]")).to_have_value("1h")


def test_a_range_that_ends_before_it_begins_is_refused_where_it_is_typed(open_page):
    """Nothing happened, and nothing said why; what was typed stays when another column is sorted."""
    page = open_page("?page=traffic&from=2026-12-01T00:00:00Z&to=2026-12-02T00:00:00Z")
    expect(page.locator("main")).to_contain_text("/c")
    page.fill("input[name=to]", "2026-11-30T00:00")
    expect(page.locator("#bounds-fault")).to_have_text("The end has to be after the beginning.")
    page.get_by_role("button", name="share").first.click()
    expect(page).to_have_url(re.compile("order=-share"))
    expect(page.locator("input[name=to]")).to_have_value("2026-11-30T00:00")
    page.fill("input[name=to]", "2026-12-03T00:00")
    expect(page.locator("#bounds-fault")).to_be_empty()
    expect(page).to_have_url(re.compile("to=2026-12-03"))


def test_a_key_of_any_length_and_direction_leaves_the_table_readable(open_page):
    """One address of 2,000 characters took four screens; one with U+202E was shown backwards."""
    page = open_page("?page=tables&window=minute")
    row = page.locator("#counts tbody tr").first
    expect(row).to_contain_text(LONG)
    assert row.bounding_box()["height"] < 150
    expect(page.locator("#counts tbody")).to_contain_text(r"/\u202egpj.exe")
    page.goto(f"http://localhost/?page=traffic&endpoint={LONG}")
    expect(page.locator("#filters li")).to_contain_text(LONG)
    assert page.locator("#filters li").bounding_box()["height"] < 150


def test_parts_add_up_to_their_whole(open_page):
    """With more methods than colors, the rest was in the sum and nowhere else."""
    page = open_page("?page=traffic")
    whole = "80 requests = 10 GET (12.5 %) + 10 POST (12.5 %) + 10 HEAD (12.5 %) + 10 PUT (12.5 %)"
    bar = page.get_by_role("img", name=re.compile("^Method: "))
    told = f"Method: {whole} + 40 all others (50 %)".replace(" %", "\N{NO-BREAK SPACE}%")
    expect(bar).to_have_attribute("aria-label", told)
