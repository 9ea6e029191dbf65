"""Doors of ingest: passwords and tokens, as files that change while it runs."""

import json
import re
from pathlib import Path

import bcrypt
import pytest
from chaos.waiting import wait_until
from sources.senders import READY_SECONDS, Ingest, curl, ingest_worker

from dataflow.demo.samples import sample_filter_rules

TOKEN = "0123456789abcdef-token"
LINE = b'{"a":1}'


def hashed(password: str) -> str:
    """Return what htpasswd would write."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(8)).decode()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all secrets."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "htpasswd").write_text(f"akamai:{hashed('right')}\n")
    (folder / "tokens").write_text(f"{TOKEN}\n")
    return folder


@pytest.fixture(scope="module")
def guarded(files: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return a worker that lets nobody in who is not known, reached by others, too."""
    settings = {
        "web_host": "0.0.0.0",
        "ingest_htpasswd_file": str(files / "htpasswd"),
        "ingest_token_file": str(files / "tokens"),
    }
    with ingest_worker(tmp_path_factory.mktemp("guarded"), **settings) as ingest:
        yield ingest


@pytest.mark.parametrize("path", ["/ingest", "/ingest/bookings", "/events", "/events/simulation"])
def test_nobody_comes_in_without_a_secret(guarded: Ingest, path: str):
    """Each way in is named."""
    answer = guarded.post(path, LINE)
    assert answer.status == 401
    assert answer.headers.get_all("WWW-Authenticate") == ['Basic realm="dataflow"', 'Bearer realm="dataflow"']


@pytest.mark.parametrize("options", [["-u", "akamai:right"], ["-H", f"Authorization: Bearer {TOKEN}"]])
def test_a_known_sender_comes_in(guarded: Ingest, options: list[str]):
    """By Basic, as DataStream does, or by a token."""
    assert guarded.post("/ingest", LINE, *options).json == {"accepted": 1, "dead_lettered": 0}


def test_guessing_is_slowed_down_and_shows_nowhere(guarded: Ingest):
    """Not the password that was tried, and none that would be right."""
    statuses = [guarded.post("/ingest", LINE, "-u", f"akamai:guess-{n}").status for n in range(6)]
    assert statuses[:3] == [401] * 3
    assert 429 in statuses
    slowed = guarded.post("/ingest", LINE, "-u", "akamai:guess")
    assert slowed.status in (401, 429)
    metrics = curl(guarded.url("/metrics")).body.decode()
    (failed,) = re.findall(r"^dataflow_http_failed_logins_total (\S+)$", metrics, re.MULTILINE)
    assert float(failed) >= statuses.count(401)
    said = guarded.worker.said() + slowed.body.decode() + metrics
    assert "guess" not in said
    assert TOKEN not in said
    assert "$2b$" not in said


CHANGES = [
    ("PUT", "/rules"),
    ("POST", "/rules/dry-run"),
    ("PUT", "/utm-sources"),
    ("GET", "/dead-letters"),
    ("GET", "/dead-letters/0/0"),
    ("POST", "/dead-letters/replay"),
]
"""What changes the work of all, or shows what senders have sent."""


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_only_who_may_send_may_change_and_see(guarded: Ingest, method: str, path: str):
    """By the same password or token; a wrong one is as none."""
    url = guarded.url(path)
    for options in ([], ["-H", "Authorization: Bearer 0123456789abcdef-wrong"], ["-u", "nobody:right"]):
        answer = curl(url, "-X", method, *options, data=b"{}")
        assert answer.status in (401, 429), options  # 429: it has been wrong before
    for options in (["-u", "akamai:right"], ["-H", f"Authorization: Bearer {TOKEN}"]):
        assert curl(url, "-X", method, *options, data=b"{}").status not in (401, 403, 429)


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_page_of_another_site_may_not_use_the_browser_of_who_may(guarded: Ingest, method: str, path: str):
    """A browser adds the password by itself, and says on whose behalf."""
    known = ["-X", method, "-H", f"Authorization: Bearer {TOKEN}"]
    for site, is_let_in in (
        ("cross-site", False),
        ("same-site", False),
        ("same-origin", True),
        ("none", True),
    ):
        answer = curl(guarded.url(path), *known, "-H", f"Sec-Fetch-Site: {site}", data=b"{}")
        assert (answer.status != 403) is is_let_in, site


def test_without_passwords_a_worker_that_others_reach_lets_nobody_change(guarded: Ingest):
    """It receives nothing, so it starts; but its rules are not everybody's."""
    chosen = {"role": "enrich", "web_host": "0.0.0.0", "ingest_open": "false"}
    worker = guarded.cluster.start_worker(**chosen).wait_ready(READY_SECONDS)
    answer = curl(f"http://127.0.0.1:{worker.port}/rules", "-X", "PUT", "-H", "If-Match: *", data=b"[]")
    assert answer.status == 403
    assert "DATAFLOW_WEB_HOST is '0.0.0.0', which others reach; expected" in answer.error
    assert curl(f"http://127.0.0.1:{worker.port}/rules").json == json.loads(
        sample_filter_rules().read_bytes()
    )
    assert worker.stop() == 0


def test_a_new_password_is_taken_over_while_it_runs(guarded: Ingest, files: Path):
    """And the one before is worth nothing."""
    bearer = ["-H", f"Authorization: Bearer {TOKEN}"]
    (files / "htpasswd").write_text(f"akamai:{hashed('renewed')}\n")
    wait_until(lambda: guarded.post("/ingest", LINE, "-u", "akamai:renewed").status == 200, 60, "200")
    assert guarded.post("/ingest", LINE, "-u", "akamai:right").status != 200
    assert guarded.post("/ingest", LINE, *bearer).status == 200


def test_a_door_left_open_by_mistake_stops_the_start(own_ingest):
    """On an address that others reach somebody has to say that everybody may send."""
    ingest = own_ingest()
    worker = ingest.cluster.start_worker(role="ingest", web_host="0.0.0.0", ingest_open="false")
    assert worker.wait_exit(60) != 0
    assert "expected DATAFLOW_INGEST_HTPASSWD_FILE" in worker.said()
    opened = ingest.cluster.start_worker(role="ingest", web_host="0.0.0.0", ingest_open="true").wait_ready(90)
    warning = "Anybody who reaches this worker may send: DATAFLOW_INGEST_OPEN is set. host=0.0.0.0"
    assert warning in opened.said()


def test_without_a_word_of_the_operator_nobody_is_let_in(own_ingest):
    """Other users of the machine, and pages in its browser, reach a loopback address, too."""
    ingest = own_ingest(role="ingest", ingest_open="false")
    answer = ingest.post("/ingest", LINE)
    assert answer.status == 403
    assert "expected DATAFLOW_INGEST_HTPASSWD_FILE" in answer.error
