"""`dataflow tables`: what is asked of a worker, and what is made of its answers."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dataflow.access.worker_proof import CLOCK_SECONDS, Asked, seconds_ahead
from dataflow.cli.tables import lists_of_tables, tables, windows_of
from dataflow.cli.worker_client import NotReady, ask, tell
from dataflow.errors import DataflowError, Misconfigured
from dataflow.settings import Settings


@dataclass
class FakeWorker:
    """A worker that records what it is asked and answers as told."""

    status: int = 200
    body: bytes = b"{}"
    asked: list[str] = field(default_factory=list)
    asked_by: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    """Return a worker that listens."""
    fake = FakeWorker()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append(self.path)
            fake.asked_by.append(self.headers.get("Authorization"))
            self.send_response(fake.status)
            self.end_headers()
            self.wfile.write(fake.body)

        do_POST = do_GET  # noqa: N815 - the server looks for it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    server.server_close()


def shown(*tables: object) -> str:
    """Return what people would see."""
    page = StringIO()
    Console(file=page, width=100).print(*tables)
    return page.getvalue()


def test_a_key_may_hold_anything(worker):
    """Keys are paths and names from the wild."""
    ask(worker.url, "tables", "views_per_page", "/a b/?x=ü", window="day", top=None)
    assert worker.asked == ["/tables/views_per_page/%2Fa%20b%2F%3Fx%3D%C3%BC?window=day"]


def test_a_refusal_is_told_in_the_workers_words(worker):
    """It knows what was expected."""
    worker.status = 400
    worker.body = json.dumps({"error": "window is 'week'; expected minute, hour, day or all"}).encode()
    with pytest.raises(DataflowError, match="400: window is 'week'; expected minute"):
        ask(worker.url, "tables")


def test_a_worker_that_recovers_is_asked_again_later(worker):
    """503 is not a refusal."""
    worker.status = 503
    with pytest.raises(NotReady):
        ask(worker.url, "readyz")


def test_nobody_there_is_not_ready_either():
    """A worker that starts does not listen yet."""
    with pytest.raises(NotReady, match="expected a running one"):
        ask("http://127.0.0.1:1", "readyz")


def test_something_else_on_the_port_is_named(worker):
    """Some other program answers with a page."""
    worker.body = b"<html>"
    with pytest.raises(DataflowError, match="is no JSON object; expected a worker of Dataflow there"):
        ask(worker.url, "tables")


def test_windows_become_one_table_each():
    """Whether a window is still open stands in its title."""
    answer = {
        "table": "stays",
        "window": "day",
        "windows": [
            {
                "start": "2015-01-01T00:00:00Z",
                "end": "2015-01-02T00:00:00Z",
                "closed": False,
                "entries": [{"key": "Long stay", "count": 1234}],
            }
        ],
    }
    page = shown(*windows_of(answer, 200))
    assert "2015-01-01T00:00:00Z – 2015-01-02T00:00:00Z, still open" in page
    assert "1,234" in page


def test_a_key_is_shown_as_it_is():
    """A key in square brackets is no colour."""
    answer = {
        "table": "t",
        "window": "all",
        "windows": [{"start": None, "end": None, "closed": False, "entries": [{"key": "[red]x"}]}],
    }
    assert "[red]x" in shown(*windows_of(answer, 200))


def test_a_table_without_counts_says_so():
    """An empty screen would look like a fault."""
    page = shown(*windows_of({"table": "stays", "window": "all", "windows": []}, 200))
    assert "nothing counted yet" in page


def test_the_list_tells_what_can_be_asked():
    """Windows and summaries are the words that the options take."""
    table = {
        "name": "stays", "topics": ["expedia"], "key": "stay_category",
        "windows": ["day", "all"], "aggregations": ["count"],
    }  # fmt: skip
    assert "day, all" in shown(*lists_of_tables({"tables": [table]}, 80))


def test_a_table_is_counted_anew_by_one_command(worker, capsys):
    """The worker that is asked tells the others."""
    worker.body = b'{"table": "stays_per_category", "partitions": ["expedia/0"]}'
    tables("rebuild", "stays_per_category", from_now=True, url=worker.url)
    assert worker.asked == ["/tables/stays_per_category/rebuild?from_now=true"]
    assert json.loads(capsys.readouterr().out)["partitions"] == ["expedia/0"]


def test_two_names_are_no_command(worker):
    """Whoever mistypes `rebuild` must not see another table and believe it done."""
    with pytest.raises(
        Misconfigured, match="TABLE is 'stays' after 'rebuidl'; expected it only after `rebuild`"
    ):
        tables("rebuidl", "stays", url=worker.url)
    assert worker.asked == []


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Give the settings of the command; until then there are none, and no secret of this user."""

    def give(**chosen: str) -> None:
        settings = Settings(cache_dir=tmp_path, **chosen)  # type: ignore[arg-type]
        monkeypatch.setattr("dataflow.settings.settings", lambda: settings)

    give()
    return give


@pytest.mark.parametrize(("user", "sent"), [("", None), ("ann:a%40b@", "Basic YW5uOmFAYg==")])
def test_a_worker_is_told_as_the_user_that_the_url_names(worker, user: str, sent: str | None):
    """Where senders need a password, whoever has a stream go on needs one, too."""
    url = worker.url.replace("//", f"//{user}")
    tell(url, "streams", "raw web", "resume")
    ask(url, "streams")
    assert (worker.asked, worker.asked_by) == (["/streams/raw%20web/resume", "/streams"], [sent, sent])


def test_a_command_shows_the_token_of_the_settings(worker, given):
    """What a URL says comes first; and the secret of workers is for who has no token."""
    given(access_token="0123456789abcdef", worker_secret="x" * 20)
    ask(worker.url, "tables")
    ask(worker.url.replace("//", "//ann:a%40b@"), "tables")
    assert worker.asked_by == ["Bearer 0123456789abcdef", "Basic YW5uOmFAYg=="]


def test_a_command_of_who_runs_workers_proves_it(worker, given, tmp_path: Path):
    """By the secret of the settings, or by that of this user; it is not sent itself."""
    (tmp_path / "worker-secret").write_text("secret of this user\n")
    for secret, chosen in (
        ("secret of this user", {}),
        ("secret of all workers", {"worker_secret": "secret of all workers"}),
    ):
        given(**chosen)
        ask(worker.url, "tables", top="1")
        scheme, _, proof = str(worker.asked_by.pop()).partition(" ")
        assert scheme == "Worker"
        host = worker.url.removeprefix("http://")
        ahead = seconds_ahead(proof, secret, Asked("GET", host, "/tables?top=1"))
        assert ahead is not None, chosen
        assert abs(ahead) <= CLOCK_SECONDS, chosen
        assert secret not in proof


def test_a_refusal_of_what_a_worker_is_told_is_told_without_the_password(worker):
    """It may end up in a log."""
    worker.status, worker.body = 404, b'{"error": "stream is \'x\'; expected expedia"}'
    with pytest.raises(DataflowError, match="answers 404: stream is 'x'; expected expedia") as raised:
        tell(worker.url.replace("//", "//ann:secret@"), "streams", "x", "resume")
    assert "secret" not in str(raised.value)
