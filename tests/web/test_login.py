"""The login in a real browser: a page, a cookie that only our pages send, and nothing of it in clear."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest
from harness.certificates import Authority
from harness.workers import Worker, running_worker
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port

expect.set_options(timeout=30_000)  # on a machine that has much to do
CHROMIUM = Path("/usr/bin/chromium")
FOREIGN, OWN = "evil.example", "dataflow.example"
PASSWORD = "right"
LOGIN = re.compile("/login$")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a running browser, for which two names have the address of this machine."""
    rule = f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, MAP {OWN} 127.0.0.1"
    older = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-proxy-server", rule, older]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def access_file(folder: Path, roles: str = '["edit"]', password: str = PASSWORD) -> Path:
    """Write who may do what; return the file."""
    file = folder / "access.toml"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    file.write_text(f'[users.ann]\npassword = "{hashed}"\nroles = {roles}\n')
    return file


@contextmanager
def closed_worker(broker: EmbeddedBroker, folder: Path, name: str, **more: str) -> Iterator[Worker]:
    """Give a worker that lets nobody in who has not logged in."""
    own = {"DATAFLOW_ACCESS_FILE": str(access_file(folder)), "DATAFLOW_OPEN_ROLES": ""}
    with running_worker(broker.address, folder, name, **own, **more) as worker:
        yield worker


@pytest.fixture
def worker(web_broker: EmbeddedBroker, tmp_path: Path, unique) -> Iterator[Worker]:
    """Return one that speaks HTTP."""
    with closed_worker(web_broker, tmp_path, unique("login")) as worker:
        worker.wait_ready()
        yield worker


def log_in(page: Page, password: str = PASSWORD) -> None:
    """Fill in the form."""
    page.fill("input[name=user]", "ann")
    page.fill("input[name=password]", password)
    page.get_by_role("button", name="Log in").click()


STATUS = """async ([address, method, body]) => {
    const headers = {"Content-Type": "application/json"};
    return (await fetch(address, {method, body, headers, credentials: "include", mode: "MODE"})).status;
}"""


def test_a_person_logs_in_and_out(browser: Browser, worker: Worker):
    """The page leads to the login by itself, without the browser's own dialog, and back."""
    page = browser.new_context().new_page()
    page.goto(worker.url)
    expect(page).to_have_url(LOGIN)
    log_in(page, "wrong")
    expect(page.locator("#trouble")).to_have_text("User or password is wrong.")
    assert page.context.cookies() == []
    log_in(page)
    expect(page.locator("#state")).to_contain_text("Live at")
    expect(page.locator("#session")).to_contain_text("user ann")
    assert page.evaluate(STATUS.replace("MODE", "same-origin"), ["rules", "GET", None]) == 200
    assert page.evaluate("async () => (await fetch('session')).json()") == {
        "user": "user ann", "can_log_in": True, "roles": ["edit", "metrics", "read"],
    }  # fmt: skip
    page.goto(f"{worker.url}/docs")
    expect(page.locator("#get_tables")).to_be_visible()
    page.goto(worker.url)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(LOGIN)
    assert page.context.cookies() == []


def test_a_click_before_the_script_is_there_sends_nothing(browser: Browser, worker: Worker):
    """The browser itself sends a form that no script holds up, with the password in its address."""
    page = browser.new_context().new_page()
    page.route("**/login.js", lambda route: route.abort())
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(f"{worker.url}/login")
    page.fill("input[name=user]", "ann")
    page.fill("input[name=password]", PASSWORD)
    expect(page.get_by_role("button", name="Log in")).to_be_disabled()
    page.focus("input[name=password]")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert [url for url in sent if PASSWORD in url] == []
    expect(page).to_have_url(f"{worker.url}/login")


def test_the_cookie_is_for_our_pages_alone(browser: Browser, worker: Worker, tmp_path: Path):
    """No script reads it, no page of others sends it; and it ends with the password."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{worker.url}/login")
    log_in(page)
    expect(page.locator("#state")).to_contain_text("Live at")
    [cookie] = context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("dataflow", True, "Strict")
    assert PASSWORD not in cookie["value"]
    assert page.evaluate("document.cookie") == ""
    seen = requests_of_a_foreign_page(context, worker)
    assert [status for status, _ in seen] == [403, 403]
    assert all("cookie" not in headers for _, headers in seen)
    access_file(tmp_path, password="changed")
    expect(page).to_have_url(LOGIN, timeout=15_000)


def requests_of_a_foreign_page(context: BrowserContext, worker: Worker) -> list[tuple[int, dict[str, str]]]:
    """Return status and sent headers of a read and a change that a foreign page asks for."""
    page = context.new_page()
    page.route(f"http://{FOREIGN}/", lambda route: route.fulfill(content_type="text/html", body="<body>"))
    page.goto(f"http://{FOREIGN}/")
    seen = []
    for address, method, body in (
        ("/rules", "GET", None),
        ("/tables/stays_per_category/rebuild", "POST", "x"),
    ):
        with page.expect_response(lambda response: FOREIGN not in response.url) as answered:
            script = STATUS.replace("MODE", "no-cors").replace("application/json", "text/plain")
            page.evaluate(script, [worker.url + address, method, body])
        seen.append((answered.value.status, answered.value.request.all_headers()))
    return seen


def test_over_https_the_cookie_never_travels_in_clear(
    browser: Browser, web_broker: EmbeddedBroker, tmp_path: Path, unique
):
    """Browsers make an exception for addresses of their own machine, which has no network to listen to."""
    Authority(tmp_path, "ca").issue("server")
    port, plain_port = free_port(), free_port()
    secure = {
        "DATAFLOW_WEB_PORT": str(port),
        "DATAFLOW_WEB_PLAIN_PORT": str(plain_port),
        "DATAFLOW_WEB_NAMES": OWN,
        "DATAFLOW_WEB_TLS_CERT_FILE": str(tmp_path / "server.crt"),
        "DATAFLOW_WEB_TLS_KEY_FILE": str(tmp_path / "server.key"),
        "DATAFLOW_WEB_TLS_CA_FILE": str(tmp_path / "ca.crt"),
    }
    with closed_worker(web_broker, tmp_path, unique("login"), **secure) as worker:
        replace(worker, port=plain_port).wait_ready()
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(f"https://{OWN}:{port}/login")
        log_in(page)
        expect(page.locator("#state")).to_contain_text("Live at")
        [cookie] = context.cookies()
        assert (cookie["name"], cookie["secure"]) == ("__Host-dataflow", True)
        page.goto(f"http://{OWN}:{plain_port}/")
        expect(page).to_have_url(LOGIN)
