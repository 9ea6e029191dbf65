"""Doors of a worker that others reach: who is let in, by a file that changes while it runs."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest
from chaos.waiting import wait_until
from sources.senders import READY_SECONDS, Ingest, curl, ingest_worker

from dataflow.demo.samples import sample_filter_rules

SENDER, EDITOR = "0123456789abcdef-sender", "0123456789abcdef-editor"
LINE = b'{"a":1}'
SECRET = "secret of the workers that others reach"


def access(password: str) -> str:
    """Return an access file with a sender by password and by token, and an editor."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(8)).decode()
    text = f'[users.akamai]\npassword = "{hashed}"\nroles = ["send"]\n'
    for name, token, role in (("sender", SENDER, "send"), ("editor", EDITOR, "edit")):
        digest = hashlib.sha256(token.encode()).hexdigest()
        text += f'[tokens.{name}]\nsha256 = "{digest}"\nroles = ["{role}"]\n'
    return text


def bearer(token: str) -> list[str]:
    """Return options of curl."""
    return ["-H", f"Authorization: Bearer {token}"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the access file."""
    path = tmp_path_factory.mktemp("secrets") / "access.toml"
    path.write_text(access("right"))
    return path


@pytest.fixture(scope="module")
def guarded(file: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return a worker that lets nobody in who is not known, reached by others, too."""
    settings = {"web_host": "0.0.0.0", "access_file": str(file), "worker_secret": SECRET}
    with ingest_worker(tmp_path_factory.mktemp("guarded"), **settings) as ingest:
        yield ingest


@pytest.mark.parametrize("path", ["/ingest", "/ingest/bookings", "/events", "/events/simulation"])
def test_nobody_comes_in_without_a_secret(guarded: Ingest, path: str):
    """Each way in is named."""
    answer = guarded.post(path, LINE)
    assert answer.status == 401
    assert answer.headers.get_all("WWW-Authenticate") == ['Basic realm="dataflow"', 'Bearer realm="dataflow"']


@pytest.mark.parametrize("path", ["/tables", "/streams", "/rules", "/metrics", "/sinks", "/openapi.json"])
def test_nobody_reads_either(guarded: Ingest, path: str):
    """Reading could not be closed at all; whether it lives is no secret."""
    assert curl(guarded.url(path)).status == 401
    assert curl(guarded.url(path), *bearer(SENDER)).status == 403
    for probe in ("/healthz", "/readyz"):
        assert curl(guarded.url(probe)).status == 200


@pytest.mark.parametrize("options", [["-u", "akamai:right"], bearer(SENDER), ["-u", f"sender:{SENDER}"]])
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
    metrics = curl(guarded.url("/metrics"), *bearer(EDITOR)).body.decode()
    (failed,) = re.findall(r"^dataflow_http_failed_logins_total (\S+)$", metrics, re.MULTILINE)
    assert float(failed) >= statuses.count(401)
    said = guarded.worker.said() + slowed.body.decode() + metrics
    assert "guess" not in said
    assert SENDER not in said
    assert "$2b$" not in said
    assert SECRET not in said


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
def test_a_senders_password_changes_and_shows_nothing(guarded: Ingest, method: str, path: str):
    """It edited rules, replayed, and read raw dead letters."""
    url = guarded.url(path)
    json_body = ["-H", "Content-Type: application/json"]
    for options in ([], bearer("0123456789abcdef-wrong"), ["-u", "nobody:right"]):
        answer = curl(url, "-X", method, *json_body, *options, data=b"{}")
        assert answer.status in (401, 429), options  # 429: it has been wrong before
    assert curl(url, "-X", method, *json_body, *bearer(SENDER), data=b"{}").status == 403
    editor = curl(url, "-X", method, *json_body, *bearer(EDITOR), data=b"{}")
    assert editor.status not in (401, 403, 429)


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_page_of_another_site_may_not_use_the_browser_of_who_may(guarded: Ingest, method: str, path: str):
    """A browser adds the password by itself, and says on whose behalf."""
    known = ["-X", method, *bearer(EDITOR), "-H", "Content-Type: application/json"]
    for site, is_let_in in (
        ("cross-site", False),
        ("same-site", False),
        ("same-origin", True),
        ("none", True),
    ):
        answer = curl(guarded.url(path), *known, "-H", f"Sec-Fetch-Site: {site}", data=b"{}")
        assert (answer.status != 403) is is_let_in, site


def command(guarded: Ingest, **settings: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command that asks the worker, with the worker's own settings but for these."""
    environment = guarded.worker.environment | {f"DATAFLOW_{name}": text for name, text in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", "tables", "--url", f"http://127.0.0.1:{guarded.worker.port}"],
        env={name: text for name, text in environment.items() if text is not None},
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_show_a_token_or_that_they_know_the_secret(guarded: Ingest, tmp_path: Path):
    """Whoever runs a worker may ask it without a password; anybody else needs one, or a token."""
    stranger = {"WORKER_SECRET": None, "WEB_HOST": "127.0.0.1", "CACHE_DIR": str(tmp_path)}
    for settings in ({}, {**stranger, "ACCESS_TOKEN": EDITOR}):
        asked = command(guarded, **settings)
        assert asked.returncode == 0, asked.stderr
        assert "stays_per_category" in asked.stdout
    for settings in (stranger, {"WORKER_SECRET": "x" * 20}, {**stranger, "ACCESS_TOKEN": SENDER}):
        refused = command(guarded, **settings)
        assert refused.returncode != 0
        assert re.search("answers 40[13]: ", refused.stderr), refused.stderr


def test_a_new_password_is_taken_over_while_it_runs(guarded: Ingest, file: Path):
    """And the one before is worth nothing."""
    file.write_text(access("renewed"))
    wait_until(lambda: guarded.post("/ingest", LINE, "-u", "akamai:renewed").status == 200, 60, "200")
    assert guarded.post("/ingest", LINE, "-u", "akamai:right").status != 200
    assert guarded.post("/ingest", LINE, *bearer(SENDER)).status == 200


def test_a_broken_file_opens_nothing_and_closes_nothing(guarded: Ingest, file: Path):
    """An editor may save half of it; who was known before still is, and nobody else."""
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    refused = "New content of a file is refused; the old one stays in use."
    wait_until(
        lambda: curl(guarded.url("/tables")).status and refused in guarded.worker.said(), 30, "a warning"
    )
    assert guarded.post("/ingest", LINE, *bearer(SENDER)).status == 200
    assert guarded.post("/ingest", LINE).status == 401
    file.write_text(whole)


@pytest.mark.parametrize("role", ["ingest", "enrich"])
def test_a_worker_that_others_reach_does_not_start_until_somebody_says_who_may(guarded: Ingest, role: str):
    """It receives nothing, or has nothing to show; but nobody decided that."""
    closed = guarded.cluster.start_worker(role=role, web_host="0.0.0.0", open_roles="", worker_secret=SECRET)
    assert closed.wait_exit(60) != 0
    assert (
        "DATAFLOW_WEB_HOST is '0.0.0.0', which others reach; expected DATAFLOW_ACCESS_FILE" in closed.said()
    )


def test_what_everybody_may_is_told_at_the_start(own_ingest):
    """On an address that others reach somebody has to say it, and finds it in the log."""
    ingest = own_ingest()
    chosen = {"role": "enrich", "web_host": "0.0.0.0", "worker_secret": SECRET, "open_roles": "read"}
    opened = ingest.cluster.start_worker(**chosen).wait_ready(READY_SECONDS)
    assert "has the roles of DATAFLOW_OPEN_ROLES. roles=read host=0.0.0.0" in opened.said()
    rules = curl(f"http://127.0.0.1:{opened.port}/rules")
    assert rules.json == json.loads(sample_filter_rules().read_bytes())
    put = curl(f"http://127.0.0.1:{opened.port}/rules", "-X", "PUT", "-H", "If-Match: *", data=b"[]")
    assert put.status == 403


def test_without_a_word_of_the_operator_this_machine_may_read_and_nothing_else(own_ingest):
    """Other users of the machine, and pages in its browser, reach a loopback address, too."""
    ingest = own_ingest(role="ingest", open_roles="")
    answer = ingest.post("/ingest", LINE)
    assert answer.status == 403
    assert "nobody has the role send; expected DATAFLOW_ACCESS_FILE" in answer.error
    assert curl(ingest.url("/metrics")).status == 200
