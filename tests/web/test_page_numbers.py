"""Numbers that the page makes of answers: its modules in a browser, with answers of the test."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

STATIC = Path(__file__).parents[2] / "dataflow" / "web" / "static"
CHROMIUM = Path("/usr/bin/chromium")
RATES = """async () => {
    const {StreamRates} = await import("/streams.js");
    const rates = new StreamRates();
    const of = (received) => ({streams: {a: {received}}, partitions: {a: {missing: []}}});
    const [first, second] = [of(0), of(100)];
    const seen = [rates.of(first).a, rates.of(first).a];
    await new Promise((resolve) => setTimeout(resolve, 1600));
    const rate = rates.of(second).a;
    return [...seen, rate > 0, rates.of(second).a === rate];
}"""
"""The rates that follow an answer, the same one again, another one, and that one again."""
MOMENTS = """async () => {
    const {StreamRates} = await import("/streams.js");
    const rates = new StreamRates();
    const of = () => ({streams: {a: {received: 5}}, partitions: {a: {missing: []}}});
    return [rates.of(of()).a, rates.of(of()).a];
}"""
"""The rates of two answers within a moment."""
NUMBERS = """async () => {
    const {bytes, duration, percent, short} = await import("/words.js");
    return [short(999), short(9206), short(999999), short(1e12), bytes(1536), percent(0.5), duration(1500)];
}"""
SHARES = """async () => {
    const {breakdownsOf} = await import("/breakdowns.js");
    const breakdowns = breakdownsOf();
    document.body.append(...breakdowns.elements);
    const [most, few] = [{key: "200", count: 90}, {key: "404", count: 10}];
    const entries = [most, few].map((each) => ({...each, errors: 0, bytes: 0}));
    const answered = (total) => ({windows: [{total, entries}]});
    const shares = () => [...document.querySelectorAll("[data-table=status] tbody tr")].map(
        (row) => row.cells[2].textContent.replace("\\u00a0", " "));
    const shown = (total, whole) => {
        breakdowns.show({status: answered(total)}, {}, whole);
        return shares();
    };
    return [shown(2, 80), shown(3, 200), shown(3, 80)];
}"""
"""The shares of 100 requests beside a sum that is older, of the first two statuses of three, and both."""
TICKS = """async (times) => {
    const {chartOf} = await import("/chart.js");
    const chart = chartOf({title: "Count", series: ["count"]});
    document.body.append(chart.element);
    const values = [times.map(() => 300)];
    chart.show({times, values});
    while (!globalThis.uPlot) await new Promise((resolve) => setTimeout(resolve, 20));
    const drawn = new Promise((resolve) => {
        const {fillText, clearRect} = CanvasRenderingContext2D.prototype;
        let texts = [];
        CanvasRenderingContext2D.prototype.clearRect = function (...rest) {
            texts = [];
            return clearRect.call(this, ...rest);
        };
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
            texts.push(text);
            setTimeout(() => resolve(texts), 200);
            return fillText.call(this, text, ...rest);
        };
    });
    chart.show({times, values, series: ["others"]});
    return (await drawn).filter((text) => /[0-9][-:][0-9]/.test(text));
}"""
"""What the axis of time is labelled with, a line each."""
FIRST = 1_796_137_500  # 2026-12-01T15:05:00Z
STATUSES = """async () => {
    const {open} = await import("/traffic.js");
    const page = open(document.body);
    const minuteOf = (ago) => new Date(6e4 * (Math.floor(Date.now() / 6e4) - ago)).toISOString();
    const over = (count) => ({windows: [2, 1].map((ago) => (
        {start: minuteOf(ago), entries: [{key: "k", count, errors: 0, bytes: 0}]}))});
    const counts = {200: 50, 301: 20, 304: 10, 404: 8, 500: 6, 403: 4, 416: 2};
    const entries = Object.entries(counts).map(([key, count]) => ({key, count, errors: 0, bytes: 0}));
    entries.sort((one, other) => other.count - one.count);
    const answers = {total: over(100), status: {windows: [{total: entries.length, entries}]}};
    for (const {key, count} of entries) answers[`status ${key}`] = over(count);
    page.show(answers, {});
    return document.querySelector("[aria-label^='By status']").getAttribute("aria-label");
}"""
"""What the chart of statuses says, of 100 requests a minute in seven statuses."""
CURVES = """async () => {
    const {curveOf, valuesOf} = await import("/series.js");
    const dayOf = (ago) => new Date(Date.now() - 864e5 * ago).toISOString().slice(0, 10);
    const made = (counts) => Object.entries(counts).map(
        ([ago, count]) => ({start: dayOf(ago), entries: [{key: "all", count}]}));
    const of = {window: "day", newest: 3};
    const drawn = (counts) => valuesOf(curveOf({windows: made(counts)}, of), "count");
    return [drawn({0: 7}), drawn({2: 5, 0: 7})];
}"""
"""The curves of three days: only today has events; another day has, too."""

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
)


def serve(route: Route) -> None:
    """Answer with the file of the dashboard that the address names; with an empty page for the root."""
    name = urlsplit(route.request.url).path.removeprefix("/")
    if name:
        route.fulfill(path=STATIC / name)
    else:
        route.fulfill(body="<title>modules</title>", content_type="text/html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for all of these tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return an empty page that can import the modules of the dashboard."""
    page = browser.new_page()
    page.route("**/*", serve)
    page.goto("http://localhost/")
    yield page
    page.close()


def test_an_answer_that_is_shown_again_is_no_new_reading_of_the_rate(page: Page):
    """A busy worker answers less often than the page is drawn: it showed `0/s` amid traffic."""
    assert page.evaluate(RATES) == [None, None, True, True]


def test_a_period_that_is_being_filled_is_drawn_if_it_is_the_only_one(page: Page):
    """Bookings are counted per day: on the first day the curve was zero beside thousands of bookings."""
    assert page.evaluate(CURVES) == [[0, 0, 7], [5, 0]]


def test_two_answers_within_a_moment_make_no_rate(page: Page):
    """A page that was just opened showed `0/s` amid traffic, as its second answer came within a moment."""
    assert page.evaluate(MOMENTS) == [None, None]


def test_shares_are_of_the_answer_that_they_stand_in(page: Page):
    """The sum beside them is another answer, older by up to ten seconds: shares added up to 105 %."""
    assert page.evaluate(SHARES) == [["90 %", "10 %"], ["45 %", "5 %"], ["90 %", "10 %"]]


@pytest.mark.parametrize(
    ("times", "labels"),
    [
        pytest.param([FIRST], ["15:05", "2026-12-01"], id="one minute"),
        pytest.param([FIRST, FIRST + 60], ["15:05", "2026-12-01", "15:06"], id="two minutes"),
        pytest.param([FIRST, FIRST + 86_400], None, id="a day"),
    ],
)
def test_no_two_places_of_the_axis_of_time_have_one_name(page: Page, times: list[int], labels: list[str]):
    """The axis of a key's first minute went on for two years; that of two named twelve places 15:12."""
    drawn = page.evaluate(TICKS, times)
    assert len(drawn) == len(set(drawn))
    assert drawn == labels or labels is None


def test_statuses_over_time_add_up_to_all_requests(page: Page):
    """Only the six that come most were drawn, and those beyond them were nowhere."""
    told = page.evaluate(STATUSES)
    assert re.findall(r"(\w+) (\d+), at most", told) == [
        ("200", "50"), ("301", "20"), ("304", "10"), ("404", "8"), ("500", "6"), ("others", "6"),
    ]  # fmt: skip


def test_numbers_keep_their_unit(page: Page):
    """A unit alone on the next line is a riddle, and 10^12 was `1,000 G`, 999,999 `1,000 k`."""
    numbers = page.evaluate(NUMBERS)
    assert [text.replace("\N{NO-BREAK SPACE}", "_") for text in numbers] == [
        "999", "9.21_k", "1_M", "1_T", "1.5_KiB", "50_%", "1.5_s",
    ]  # fmt: skip
