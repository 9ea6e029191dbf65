"""Own names: which Host and Origin are a worker's own; a page of anybody else changes nothing."""

import pytest

from dataflow.http_error import HttpError
from dataflow.web.own_names import OwnNames

NAMES = OwnNames(
    ["0.0.0.0", "Worker-1.example", "vm"], ["dataflow.example", "10.9.9.9:8443", "[2001:db8::9]"]
)


def status_of_host(*hosts: str, reached_at: str = "10.0.0.7") -> int:
    """Return the status of a request with these Host headers; 200 if it is let through."""
    try:
        NAMES.check_host(hosts, reached_at)
    except HttpError as error:
        return int(error.status)
    return 200


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:6066", "LOCALHOST", "localhost.", "127.0.0.1:6066", "[::1]:6066"),
        *("worker-1.example:6066", "vm", "10.0.0.7:6066", "10.0.0.7"),
        *("dataflow.example", "dataflow.example:443", "10.9.9.9:8443", "10.9.9.9", "[2001:db8::9]:6066"),
    ],
)
def test_own_names_and_addresses_are_let_through_on_any_port(host: str):
    """Ports are forwarded and mapped; a probe asks for the address that it connects to."""
    assert status_of_host(host) == 200


@pytest.mark.parametrize(
    ("reached_at", "host"),
    [("::ffff:10.0.0.7", "10.0.0.7"), ("2001:db8::7", "[2001:db8::7]:6066"), ("fe80::1%eth0", "[fe80::1]")],
)
def test_the_address_that_was_reached_is_own_as_browsers_write_it(reached_at: str, host: str):
    """A socket for both families has IPv4 addresses inside of IPv6 ones."""
    assert status_of_host(host, reached_at=reached_at) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil.example:6066", "10.0.0.8", "dataflow.example.evil"),
        *("", "localhost:6066:6066", "localhost/x", "user@localhost", "localhost evil", "xlocalhost", "[::1"),
    ],
)
def test_another_name_is_misdirected(host: str):
    """A page whose name was pointed at a worker (rebinding) read dead letters and put rules."""
    assert status_of_host(host) == 421


def test_an_error_names_the_setting_that_adds_a_name():
    """The first request through a new proxy is refused, and whoever has set it up reads why."""
    with pytest.raises(HttpError, match=r"^Host is 'evil\.example'; expected .*: DATAFLOW_WEB_NAMES has"):
        NAMES.check_host(["evil.example"], "10.0.0.7")


def test_a_request_names_one_host():
    """Of two, a proxy may look at the one and we at the other."""
    assert status_of_host("localhost", "localhost") == 421
    assert status_of_host() == 421


@pytest.mark.parametrize("hosts", [[], [""], ["[::1"], ["localhost", "evil.example"]])
def test_no_name_is_nobodys_name(hosts: list[str]):
    """A worker whose own address has no host would have let through whatever names none, or two."""
    with pytest.raises(HttpError):
        OwnNames(["", "vm"], []).check_host(hosts, "10.0.0.7")


def status(*, changes: bool, scheme: str = "http", **headers: str) -> int:
    """Return the status of a request with these headers; 200 if it is let through."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    try:
        NAMES.check_origin(named, scheme, changes=changes)
    except HttpError as error:
        return int(error.status)
    return 200


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:6066", "localhost:6066", "http"),
        ("http://LOCALHOST", "localhost:80", "http"),
        ("https://worker-1.example", "worker-1.example:443", "https"),
        ("https://dataflow.example", "10.0.0.7:6066", "http"),
        ("https://10.9.9.9:8443", "10.9.9.9:8443", "http"),
    ],
)
def test_an_own_page_changes_things(origin: str, host: str, scheme: str):
    """Also behind a proxy that speaks HTTPS for us, where its name is among the further ones."""
    assert status(changes=True, Origin=origin, Host=host, scheme=scheme) == 200


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://evil.example", "localhost:6066", "http"),
        ("http://localhost:3000", "localhost:6066", "http"),
        ("http://127.0.0.1:6066", "localhost:6066", "http"),
        ("http://localhost:6066", "localhost:6066", "https"),
        ("https://localhost:6066", "localhost:6066", "http"),
        ("https://10.9.9.9", "10.9.9.9:8443", "http"),
        ("https://dataflow.example:444", "10.0.0.7:6066", "http"),
        ("null", "localhost:6066", "http"),
        ("", "localhost:6066", "http"),
        ("localhost:6066", "localhost:6066", "http"),
        ("http://", "", "http"),
    ],
)
def test_a_foreign_page_changes_nothing_but_may_link_to_us(origin: str, host: str, scheme: str):
    """Neither another port of the same machine, nor a sandbox, nor a page in clear beside ours."""
    assert status(changes=True, Origin=origin, Host=host, scheme=scheme) == 403
    assert status(changes=False, Origin=origin, Host=host, scheme=scheme) == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_says_of_a_foreign_page_counts_without_an_origin(site: str):
    """It says so of reads as well: an image or a script may be taken from anywhere, but not from here."""
    assert status(changes=True, Sec_Fetch_Site=site) == 403
    assert status(changes=True, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 403
    assert status(changes=False, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors") == 403
    assert status(changes=False, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 200


@pytest.mark.parametrize("changes", [True, False])
def test_who_is_no_browser_says_nothing_of_pages(changes: bool):
    """Senders, commands and workers have no Origin; a person who types an address comes from no site."""
    assert status(changes=changes) == 200
    assert status(changes=changes, Sec_Fetch_Site="none") == 200
