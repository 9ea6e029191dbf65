"""Pages about operation in a real browser: events as they come, rules, dead letters, sinks and workers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dataflow.demo.broker import EmbeddedBroker

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = b'\xff<img src=x onerror="document.title=1">\xe2\x80\xae\x1b[31m'
LINES = [{"UA": agent, "reqPath": "a", "reqTimeSec": "1700000000"} for agent in ("a bot", "a browser")]
BOTS = [{"name": "bots", "fieldName": "UA", "regex": ".*bot.*"}]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason=f"{CHROMIUM} is missing; expected a Chromium there (apt install chromium)",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a running browser."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-proxy-server"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaClient]:
    """Return a client of a broker of its own: rules are those of all workers of a broker."""
    properties = {"group.min.session.timeout.ms": 1000}
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"), properties=properties)
    broker.start()
    broker.wait_ready()
    yield KafkaClient(broker.address)
    broker.stop()


@pytest.fixture(scope="module")
def editable(kafka: KafkaClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Return a worker that lets this machine edit; it makes its topics."""
    chosen = {"DATAFLOW_OPEN_ROLES": "read,edit", "DATAFLOW_PARTITIONS": "1"}
    with running_worker(kafka.address, tmp_path_factory.mktemp("worker"), "operation", **chosen) as worker:
        worker.wait_ready()
        yield worker


@pytest.fixture
def page(browser: Browser, editable: Worker) -> Iterator[Page]:
    """Return a page of the dashboard; in the end its console must be empty."""
    console: list[str] = []
    page = browser.new_page(base_url=editable.url)
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.set_default_timeout(30_000)
    yield page
    page.close()
    assert console == []


def test_an_event_is_seen_as_it_comes_is_searched_and_unfolded(page: Page, kafka: KafkaClient):
    """What the fifth system's page showed once, and never again; hostile bytes are only text."""
    page.goto("/?page=events&topic=expedia")
    expect(page.locator("#holds")).to_contain_text("ooking")
    kafka.produce(
        "expedia", [b'{"id": 9007199254740993, "hotel_id": 7}', HOSTILE], keys=[b"k1", b"<b>k2</b>"]
    )
    rows = page.locator("#events li")
    expect(rows).to_have_count(2, timeout=30_000)
    expect(rows.first).to_contain_text("<img src=x onerror=")
    page.get_by_label("Search these events").fill("HOTEL_id")
    expect(rows).to_have_count(1)
    rows.first.locator("summary").press("Enter")
    expect(rows.first.locator("pre")).to_have_text('{\n  "id": 9007199254740993,\n  "hotel_id": 7\n}')
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    kafka.produce("expedia", [b'{"hotel_id": 8}'])
    expect(page.locator("#tail-state")).to_contain_text("paused, 1 newer")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_count(2)
    assert page.locator("main img").count() == 0
    expect(page).to_have_title("Events – Dataflow")


def test_a_rule_is_tried_while_it_is_written_used_and_taken_back(page: Page, kafka: KafkaClient):
    """The field that matched is beside it; every version has its author, and a way back."""
    kafka.produce("cdn-logs", [json.dumps(line).encode() for line in LINES])
    page.goto("/?page=rules")
    expect(page.locator("#rules-state")).to_have_text("Version 0 is in use.")
    page.get_by_label("JSON", exact=True).fill("[{]")
    expect(page.locator("#rules-state")).to_contain_text("nobody uses yet")
    expect(page.get_by_role("alert").filter(has_text="not JSON")).to_be_visible()
    page.get_by_label("JSON", exact=True).fill(json.dumps(BOTS, indent=2))
    expect(page.locator("#trial tbody tr")).to_have_text(re.compile("bots1UA a bot"))
    page.get_by_role("button", name="Use these rules").click()
    expect(page.locator("#rules-state")).to_have_text("Version 1 is in use.")
    expect(page.locator("#versions tbody tr")).to_have_count(2)
    expect(page.locator("#versions tbody tr").first).to_contain_text("everybody at 127.0.0.1")
    page.get_by_role("button", name="Difference to version 0").click()
    expect(page.locator("#difference .added").nth(2)).to_contain_text('"name": "bots"')
    page.get_by_role("button", name="Go back to version 0").click()
    expect(page.locator("#rules-state")).to_contain_text("Version 2 is in use")
    expect(page.get_by_label("JSON", exact=True)).not_to_have_value(re.compile("bots"))
    expect(page.locator("#versions tbody tr").first).to_contain_text("back to version 0")


def test_what_somebody_writes_is_not_overwritten_by_what_another_one_puts(page: Page, editable: Worker):
    """The page says so before the worker would refuse it."""
    page.goto("/?page=rules")
    page.get_by_label("JSON", exact=True).fill(json.dumps(BOTS))
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    other = b'[{"fieldName": "reqPath", "regex": "x"}]'
    assert editable.get("/rules", "PUT", other, **headers).status == 200
    expect(page.get_by_role("alert").filter(has_text="in use meanwhile")).to_be_visible()
    expect(page.get_by_label("JSON", exact=True)).to_have_value(json.dumps(BOTS))
    page.get_by_role("button", name="Undo my changes").click()


def test_a_dead_letter_shows_its_bytes_and_is_sent_back(page: Page, kafka: KafkaClient):
    """Why, where, what exactly; what a replay would do, and that it has come back."""
    kafka.produce("expedia", [HOSTILE + b"2"])
    page.goto("/?page=dead-letters&letter.topic=expedia")
    row = page.locator("[data-table=letters] tbody tr").first
    expect(row).to_contain_text("not_utf8", timeout=30_000)
    row.get_by_role("link").click()
    letter = page.locator("#letter")
    expect(letter.get_by_label("Value as bytes")).to_contain_text("ff 3c 69 6d 67")
    expect(letter.get_by_label("Value as text")).to_contain_text("\\u001b[31m")
    expect(letter.locator("dl")).to_contain_text("topic expedia, partition 0")
    letter.get_by_role("button", name="Send back this one…").click()
    expect(letter.get_by_role("status")).to_have_text("1 event would go back: 1 to expedia.")
    letter.get_by_role("button", name="Send them back").click()
    expect(letter.get_by_role("status")).to_contain_text(
        "1 became dead letters again: not_utf8", timeout=30_000
    )
    expect(letter.locator("dl")).to_contain_text("yes, so it is not sent again", timeout=30_000)
    assert page.locator("main img").count() == 0


def test_sinks_and_workers_say_how_they_are(page: Page, editable: Worker):
    """Who has which partitions, when it has written last; and that there is no sink."""
    page.goto("/?page=workers")
    row = page.locator("[data-table=workers] tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"127.0.0.1:{editable.port}")
    expect(row).to_contain_text("running")
    expect(page.locator("[data-table=partitions] tbody tr", has_text="expedia/0")).to_contain_text("read")
    page.get_by_role("link", name="Sinks", exact=True).click()
    expect(page.locator("main .note").first).to_contain_text("No sink is configured")
