"""Foreign pages in a real browser: what they send to a worker changes nothing, and they read nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.workers import Worker
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FOREIGN = "evil.example"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
    ),
]

CHANGES = [
    ("POST", "/ingest"),
    ("POST", "/ingest/bookings"),
    ("POST", "/events"),
    ("POST", "/events/simulation?interval=1"),
    ("POST", "/rules/dry-run"),
    ("POST", "/dead-letters/replay"),
    ("POST", "/tables/stays_per_category/rebuild"),
    ("POST", "/streams/expedia/resume"),
]
"""What a page may send to anybody without being asked first: no other method, and the types of forms."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for which a foreign name has the address of this machine, as by rebinding.

    Newer browsers ask before a page of the internet reaches an own network; others do not.
    """
    rule = f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1"
    older = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-proxy-server", rule, older]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def foreign_page(browser: Browser, port: int, html: str = "") -> Page:
    """Open a page of a foreign name at this port; only that page does not come from who listens there."""
    page = browser.new_page()
    address = f"http://{FOREIGN}:{port}/attack"
    page.route(address, lambda route: route.fulfill(content_type="text/html", body=f"<body>{html}"))
    page.goto(address)
    return page


FETCH = """async ([address, method, body, type]) => {
    const headers = type ? {"Content-Type": type} : {};
    try {
        const answer = await fetch(address, {method, mode: "MODE", credentials: "include", body, headers});
        return [answer.status, await answer.text()];
    } catch (error) {
        return [0, ""];
    }
}"""


def seen_status(page: Page, script: str, *given: object) -> int:
    """Run a script that sends one request; return the status that the page itself may not see."""
    with page.expect_response(lambda response: "/attack" not in response.url) as seen:
        page.evaluate(script, list(given))
    return seen.value.status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_foreign_page_changes_nothing_by_fetch(browser: Browser, worker: Worker, kind: str | None):
    """Such requests are sent without asking first; today's browsers say which page has sent them."""
    page = foreign_page(browser, 80)
    before = worker.get("/streams").json["streams"]
    for method, path in CHANGES:
        script = FETCH.replace("MODE", "no-cors")
        assert seen_status(page, script, worker.url + path, method, '{"a":1}', kind) == 403, path
    assert worker.get("/streams").json["streams"] == before


def test_a_foreign_page_changes_nothing_that_it_has_to_ask_for(browser: Browser, worker: Worker):
    """The browser asks first whether it may (OPTIONS), and is told no."""
    page = foreign_page(browser, 80)
    script = FETCH.replace("MODE", "cors")
    for method, path in [("PUT", "/rules"), ("PUT", "/utm-sources"), ("DELETE", "/events/simulation")]:
        assert page.evaluate(script, [worker.url + path, method, "{}", "application/json"]) == [0, ""]
    assert worker.get("/rules").headers["ETag"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_foreign_page_changes_nothing_by_a_form(browser: Browser, worker: Worker, kind: str):
    """A form leaves the page, so that whoever sees it has clicked."""
    for _, path in CHANGES:
        form = f'<form method="post" enctype="{kind}" action="{worker.url}{path}"><input name="a" value="1">'
        page = foreign_page(browser, 80, form)
        with page.expect_navigation() as seen:
            page.evaluate("document.forms[0].submit()")
        assert seen.value.status == 403, path
        page.close()


@pytest.mark.parametrize("path", ["/streams", "/dead-letters", "/rules", "/metrics"])
def test_a_foreign_page_reads_nothing(browser: Browser, worker: Worker, path: str):
    """Neither as data nor as an image or a script, whose errors and times would tell something."""
    page = foreign_page(browser, 80)
    assert page.evaluate(FETCH.replace("MODE", "cors"), [worker.url + path, "GET", None, None]) == [0, ""]
    assert seen_status(page, FETCH.replace("MODE", "no-cors"), worker.url + path, "GET", None, None) == 403


def test_a_name_that_was_pointed_at_the_worker_reads_and_changes_nothing(browser: Browser, worker: Worker):
    """To the browser the worker is the page's own server then (rebinding): it lets it read everything."""
    page = foreign_page(browser, worker.port)
    for method, path in [
        ("GET", "/dead-letters"),
        ("GET", "/streams"),
        ("GET", "/"),
        ("PUT", "/rules"),
        *CHANGES,
    ]:
        body = None if method == "GET" else "{}"
        status, told = page.evaluate(FETCH.replace("MODE", "cors"), [path, method, body, "application/json"])
        assert status == 421, path
        assert "DATAFLOW_WEB_NAMES" in told
    status, _ = page.evaluate(FETCH.replace("MODE", "cors"), ["/healthz", "GET", None, None])
    assert status == 200


def test_a_link_of_a_foreign_page_leads_to_the_worker(browser: Browser, worker: Worker):
    """Somebody sends the address in a mail or a chat."""
    page = foreign_page(browser, 80, f'<a href="{worker.url}">see</a>')
    page.get_by_role("link", name="see").click()
    expect(page.locator("#state")).to_contain_text("Live at")


def test_the_own_page_may_ask_for_changes(browser: Browser, worker: Worker):
    """The page of the API has a form for each route."""
    page = browser.new_page()
    page.goto(worker.url)
    asked = ["/rules/dry-run", "POST", '{"lines":[]}', "application/json"]
    status, told = page.evaluate(FETCH.replace("MODE", "cors"), asked)
    assert status != 403, told


@pytest.mark.parametrize(("kind", "status"), [("text/plain", 415), ("application/json", 200)])
def test_a_json_route_takes_no_type_of_a_form(worker: Worker, kind: str, status: int):
    """Who speaks for a page by such a type need not be a browser that says so."""
    body = b'{"reason":"too_deep"}'
    answer = worker.get("/dead-letters/replay", "POST", body, Content_Type=f"{kind}; charset=utf-8")
    assert answer.status == status
    assert worker.get("/ingest", "POST", b"", Content_Type=kind).status == 200
