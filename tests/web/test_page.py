"""The page and its files: served whole, kept as long as they are true, and allowed only what they need."""

import gzip
import re
from importlib.resources import files

import pytest


def files_of(worker):
    """Return the files that the page names."""
    return re.findall(r'(?:src|href)="(static/[^"]+)"', worker.get("/").body.decode())


def test_the_page_links_to_all_that_there_is(worker):
    """A person begins here."""
    page = worker.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in ("streams", "tables", "healthz", "readyz"):
        assert f'href="{path}"' in page.body.decode()


def test_the_page_asks_nobody_else(worker):
    """No address of another host in any of its files, and a policy that would refuse it."""
    policy = worker.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'")
    assert "unsafe" not in policy
    every = [file.name for file in files("dataflow.web").joinpath("static").iterdir()]
    for path in ["", "docs", *(f"static/any/{name}" for name in every if not name.endswith(".html"))]:
        text = worker.get(f"/{path}").body.decode()
        # What remains names a namespace, or the origin of a vendored file in its first line.
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg|github\.com/leeoniya/uPlot )", text), path


def test_files_are_kept_for_good_and_the_page_is_not(worker):
    """The address of a file changes with its content; the page says which is the right one."""
    assert worker.get("/").headers["Cache-Control"] == "no-cache"
    for path in files_of(worker):
        assert worker.get(f"/{path}").headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = worker.get("/static/another-version/shell.js")
    assert (other.status, other.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/static/any/page.css"])
def test_what_a_browser_has_already_is_not_sent_again(worker, path):
    """By its tag."""
    first = worker.get(path)
    again = worker.get(path, If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("shell.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_files_have_the_type_that_browsers_insist_on(worker, name, kind):
    """With nosniff a script of another type is not run; the types of a machine may differ."""
    assert worker.get(f"/static/any/{name}").headers["Content-Type"] == f"{kind}; charset=utf-8"


def test_the_first_page_is_small(worker):
    """On a telephone, far from a mast: all of it, with what it loads later, is less than 100 kB."""
    folder = files("dataflow.web").joinpath("static")
    every = [f"static/any/{file.name}" for file in folder.iterdir() if not file.name.endswith(".html")]
    paths = ["", "docs", "login", *every]
    replies = {path: worker.get(f"/{path}", Accept_Encoding="gzip, br") for path in paths}
    assert sum(len(reply.body) for reply in replies.values()) < 100_000
    for path, reply in replies.items():
        assert (reply.headers["Content-Encoding"], reply.headers["Vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(reply.body) == worker.get(f"/{path}").body
    first = sum(len(worker.get(f"/{path}").body) for path in files_of(worker))
    assert first < 50_000
