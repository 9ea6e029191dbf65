"""The page in a browser: numbers appear and change, on screens wide and narrow, without an error."""

import csv
import gzip
import json
import re
import signal
from pathlib import Path

import pytest
from harness.web_events import EVENTS, SENT
from kafka_client import KafkaClient
from playwright.sync_api import expect, sync_playwright

expect.set_options(timeout=30_000)  # on a machine that has much to do
AXE = gzip.decompress((Path(__file__).parents[1] / "data/axe/axe.min.js.gz").read_bytes()).decode() + ";null"
"""axe-core 4.14.1, as `npm pack axe-core` has it (MPL-2.0)."""
VIOLATIONS = """axe.run().then(({violations}) => violations.map(
    ({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" ")}`))"""
BOTH = ("404", "DE")
SEEN = """document.body.dataset.seen = "";
new MutationObserver(() => document.body.dataset.seen += document.querySelector("#notices").textContent)
    .observe(document.querySelector("#notices"), {childList: true, subtree: true}); null"""
"""Keeps what is said to be amiss: how long it is depends on the machine."""
SHOWN = {
    "Overview": "2015-12-28",
    "Traffic": "Germany (DE)",
    "Stays": "Short stay",
    "Sources": "social_media",
    "Tables": "Show more",
}
"""What a page shows once it has its answers."""
CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
    ),
]


@pytest.fixture(scope="module")
def chromium():
    """Return a running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, worker):
    """Return a function that opens the page; in the end its console must be empty."""
    console = []

    def open_(address="", **settings):
        page = chromium.new_page(**settings)
        page.on("console", lambda message: console.append(message.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("response", lambda response: response.ok or console.append(response.url))
        page.goto(f"{worker.url}/{address}")
        return page

    yield open_
    assert console == []


def test_the_page_shows_streams_and_a_table(open_page):
    """What a person sees who opens the address that `make demo` prints."""
    page = open_page()
    expect(page.locator("#state")).to_contain_text("Live at")
    expect(page).to_have_title("Overview – Dataflow")
    bookings = page.locator("#streams tbody tr", has_text="expedia")
    cells = ["21,896", "21,891", "0", "5", "0/s", "up to date", "2015-12-28"]
    expect(bookings.locator("td")).to_have_text(cells)
    expect(page.locator("#notices li")).to_have_count(0)
    page.get_by_role("link", name="Tables", exact=True).click()
    page.select_option("select[name=table]", "stays_per_category")
    row = page.locator("#counts tbody tr", has_text="Short stay")
    expect(row.locator("td")).to_have_text(["19,510", "2,494"])
    expect(page.locator("#caption")).to_have_text("stays per category, all time")


def test_pickers_choose_table_window_and_period_and_a_reload_keeps_them(open_page):
    """Every choice is one of the worker's own answers, and stands in the address."""
    page = open_page("?page=tables")
    page.select_option("select[name=table]", "requests_per_endpoint")
    page.select_option("select[name=window]", "day")
    expect(page.locator("#caption")).to_have_text("requests per endpoint, 2015-05-20 UTC, still open")
    page.select_option("select[name=period]", "2015-05-17T00:00:00Z")
    expect(page.locator("#caption")).to_have_text("requests per endpoint, 2015-05-17 UTC, closed")
    page.reload()
    expect(page.locator("#caption")).to_have_text("requests per endpoint, 2015-05-17 UTC, closed")
    page.select_option("select[name=period]", "together")
    expect(page.locator("#caption")).to_contain_text("2015-05-17 to 2015-05-21")
    expect(page.locator("#apart")).to_have_text("Events that no window could take: 1 late.")
    page.go_back()
    expect(page.locator("#caption")).to_have_text("requests per endpoint, 2015-05-17 UTC, closed")


def test_a_table_is_sorted_searched_and_saved(open_page):
    """By any column; the bars show the one that it is sorted by."""
    page = open_page("?page=tables&table=requests_per_endpoint&window=all")
    rows = page.locator("#counts tbody tr")
    expect(page.locator("#counts .foot")).to_contain_text("10 of 1,")
    page.get_by_role("button", name="bytes", exact=True).click()
    expect(page.locator("#counts [aria-sort=descending]")).to_have_text("bytes")
    expect(rows.first.locator("i")).to_have_attribute("style", "width: 100%;")
    page.get_by_role("searchbox").fill("favicon")
    expect(rows.first.locator("th")).to_have_text("/favicon.ico")
    with page.expect_download() as saved:
        page.get_by_role("link", name="requests per endpoint as CSV").click()
    with saved.value.path().open(newline="") as file:
        header, *lines = csv.reader(file)
    assert saved.value.suggested_filename == "requests_per_endpoint-incomplete.csv"
    assert header[:7] == ["start", "end", "key", "count", "bytes", "errors", "distinct_clients"]
    assert header[7:] == [f"response_time_ms {part}" for part in ("p50", "p90", "p99")]
    assert len(lines) == 1_000
    assert "/favicon.ico" in {line[2] for line in lines}


def test_a_key_leads_to_its_own_counts_over_time(open_page):
    """Not to JSON; the name of a key with slashes works when it is clicked, and so does the way back."""
    page = open_page("?page=tables&table=requests_per_endpoint")
    page.get_by_role("link", name="/favicon.ico", exact=True).click()
    expect(page.locator("#caption")).to_contain_text("requests per endpoint: /favicon.ico, ")
    expect(page.locator("#curve canvas")).to_be_visible()
    page.get_by_role("link", name="All of requests per endpoint").click()
    expect(page.get_by_role("link", name="/favicon.ico", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(open_page, scheme, width):
    """A phone shows everything without being pushed sideways."""
    page = open_page("?page=overview", viewport={"width": width, "height": 844}, color_scheme=scheme)
    for name in page.locator("#pages a").all_text_contents():
        page.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(f"{name} – Dataflow")
        expect(page.locator("main section h2").first).to_be_visible()
        expect(page.locator("main")).to_contain_text(SHOWN.get(name, ""))
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        assert page.evaluate(AXE) is None
        assert page.evaluate(VIOLATIONS) == [], name


def test_a_click_filters_and_the_address_keeps_it(open_page):
    """A colleague who is sent the address sees the same."""
    page = open_page("?page=traffic&last=7d")
    value = page.locator("[aria-label='Requests in the range'] .value").first
    expect(value).to_have_text("10 k")
    expect(page.get_by_role("img", name="Cache: 9,999 requests")).to_be_visible()
    page.get_by_role("link", name="Germany (DE)").click()
    expect(value).to_have_text("2.01 k")
    expect(page).to_have_url(re.compile("last=7d&country=DE"))
    expect(page.locator("[data-table=endpoint] + .note")).to_contain_text("Of all requests")
    page.reload()
    expect(value).to_have_text("2.01 k")
    page.get_by_role("link", name="Without Country DE").click()
    expect(value).to_have_text("10 k")


def test_filters_are_combined_or_no_number_is_shown(open_page):
    """A number of fewer filters than stand above it would be believed."""
    requests = [json.loads(raw) for raw in EVENTS["cdn-logs"]]
    both = [each for each in requests if (str(each.get("statusCode")), each.get("country")) == BOTH]
    page = open_page("?page=traffic&last=7d&country=DE")
    value = page.locator("[aria-label='Requests in the range'] .value").first
    page.locator("[data-table=status]").get_by_role("link", name="404", exact=True).click()
    expect(value).to_have_text(str(len(both)))
    host = page.locator("[data-table=host] tbody tr")
    expect(host).to_have_count(1)
    expect(host.locator("td").first).to_have_text(str(len(both)))
    host.get_by_role("link").click()
    expect(page).to_have_url(re.compile("country=DE&status=404&host="))
    expect(value).to_have_text(str(len(both)))
    page.locator("[data-table=endpoint]").get_by_role("link").first.click()
    expect(page.locator("main .note").first).to_contain_text("No table counts requests by host, endpoint")
    expect(value).to_be_hidden()
    page.get_by_role("link", name=re.compile("Without Endpoint")).click()
    expect(value).to_have_text(str(len(both)))


def test_a_frozen_worker_is_on_the_page_and_in_its_title(chromium, start_worker):
    """It does not say that it is frozen; what it had would pass for the newest numbers."""
    frozen, asked = start_worker(), start_worker()
    for each in (frozen, asked):
        each.wait_ready()
        each.wait_counted(SENT)
    page = chromium.new_page()
    page.goto(asked.url)
    expect(page.locator("#state")).to_contain_text("Live at")
    frozen.process.send_signal(signal.SIGSTOP)
    expect(page).to_have_title("⚠ Overview – Dataflow")
    expect(page.locator("#notices")).to_contain_text("not answer")
    frozen.process.send_signal(signal.SIGCONT)
    expect(page).to_have_title("Overview – Dataflow", timeout=60_000)
    page.close()


def test_a_killed_worker_is_on_the_page_until_the_others_have_taken_over(chromium, start_worker):
    """Of three: what it had is missing, the page says which partitions, and recovers by itself."""
    asked, other, killed = start_worker(), start_worker(), start_worker()
    for each in (asked, other, killed):
        each.wait_ready()
        each.wait_counted(SENT)
    page = chromium.new_page()
    page.goto(asked.url)
    received = page.locator("#streams tbody tr", has_text="expedia").locator("td").first
    expect(received).to_have_text("21,896")
    page.evaluate(SEEN)
    killed.kill()
    missing = re.compile("not answer; the numbers leave|This worker is recovering")
    expect(page.locator("body")).to_have_attribute("data-seen", missing)
    expect(page).to_have_title("Overview – Dataflow", timeout=60_000)
    expect(page.locator("#notices li")).to_have_count(0)
    expect(received).to_have_text("21,896")
    page.close()


def test_every_control_is_reached_by_keyboard_and_keeps_the_focus(open_page):
    """Numbers are exchanged in place: who tabs through the page does not lose their place."""
    page = open_page("?page=tables")
    expect(page.locator("#counts tbody tr").first).to_be_visible()
    page.locator("#counts tbody a").first.focus()
    seen = page.locator("#state-time").text_content()
    expect(page.locator("#state-time")).not_to_have_text(seen)
    assert page.evaluate("document.activeElement.closest('#counts') !== null")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_the_page_of_the_api_shows_every_route_and_asks_the_worker(open_page, worker, scheme, width):
    """A person sees what there is, and tries it, without leaving the page."""
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.get_by_role("link", name="/docs").click()
    paths = worker.get("/openapi.json").json["paths"]
    expect(page.locator(".operation")).to_have_count(sum(map(len, paths.values())))
    page.locator("#get_analytics_top_ips summary").click()
    page.fill("#get_analytics_top_ips input[name=limit]", "1")
    page.locator("#get_analytics_top_ips button").click()
    expect(page.locator("#get_analytics_top_ips pre")).to_contain_text('"source": "tables"')
    page.locator("#put_rules summary").click()
    expect(page.locator("#put_rules pre")).to_contain_text("curl -X PUT http://127.0.0.1:")
    page.evaluate("for (const each of document.querySelectorAll('.operation')) each.open = true")
    expect(page.locator(".operation:not(:has(h3))")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_an_address_names_a_route_of_the_api(open_page, worker):
    """To be sent to somebody."""
    page = open_page()
    page.goto(f"{worker.url}/docs#get_tables_by_name")
    expect(page.locator("#get_tables_by_name[open] h3").first).to_have_text("Try it")


def test_numbers_change_while_one_looks_and_it_says_when_they_no_longer_do(chromium, alone, own_broker):
    """The last numbers of a worker stay, and the page says that they are the last."""
    page = chromium.new_page()
    page.goto(alone.url)
    expect(page.locator("#quiet summary")).to_contain_text("6 without events: access-logs")
    received = page.locator("#streams tbody tr", has_text="cdn-logs").locator("td").first
    KafkaClient(own_broker.address).produce("cdn-logs", EVENTS["cdn-logs"][:2_500])
    expect(received).to_have_text("2,500", timeout=15_000)
    alone.process.send_signal(signal.SIGSTOP)
    expect(page.locator("#state")).to_contain_text("No answer, last seen", timeout=15_000)
    expect(page).to_have_title("✕ Overview – Dataflow")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("icon-away"))
    alone.process.send_signal(signal.SIGCONT)
    expect(page.locator("#state")).to_contain_text("Live at", timeout=15_000)
    alone.kill()
    expect(page.locator("#state")).to_contain_text("No answer, last seen", timeout=15_000)
    expect(page.locator("#notices")).to_contain_text("This worker does not answer.")
    expect(received).to_have_text("2,500")
