"""Numbers that the page makes of answers: its modules in a browser, with answers of the test."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, sync_playwright

STATIC = Path(__file__).parents[2] / "dataflow" / "web" / "static"
CHROMIUM = Path("/usr/bin/chromium")
RATES = """async () => {
    const {StreamRates} = await import("/streams.js");
    const rates = new StreamRates();
    const of = (received) => ({streams: {a: {received}}, partitions: {a: {missing: []}}});
    const [first, second] = [of(0), of(100)];
    const seen = [rates.of(first).a, rates.of(first).a];
    await new Promise((resolve) => setTimeout(resolve, 100));
    const rate = rates.of(second).a;
    return [...seen, rate > 0, rates.of(second).a === rate];
}"""
"""The rates that follow an answer, the same one again, another one, and that one again."""
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


@pytest.fixture
def page() -> Iterator[Page]:
    """Return an empty page that can import the modules of the dashboard."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto("http://localhost/")
        yield page
        browser.close()


def test_an_answer_that_is_shown_again_is_no_new_reading_of_the_rate(page: Page):
    """A busy worker answers less often than the page is drawn: it showed `0/s` amid traffic."""
    assert page.evaluate(RATES) == [None, None, True, True]


def test_a_period_that_is_being_filled_is_drawn_if_it_is_the_only_one(page: Page):
    """Bookings are counted per day: on the first day the curve was zero beside thousands of bookings."""
    assert page.evaluate(CURVES) == [[0, 0, 7], [5, 0]]
