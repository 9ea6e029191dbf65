"""Request site: one key for status, country and host, exact for each of the three; and who led here."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.stages.access_log import access_log_stage
from dataflow.stages.filter_rules import read_request
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import request_of_entry


@pytest.mark.parametrize(
    ("sent", "site"),
    [
        ({"statusCode": "404", "country": "DE", "reqHost": "WWW.Example.com"}, "404 DE www.example.com"),
        ({"statusCode": 404.0, "country": "DE", "reqHost": "www.example.com:8443"}, "404 DE www.example.com"),
        ({"statusCode": 200, "country": "-", "reqHost": "[2001:db8::1]"}, "200 (none) [2001:db8::1]"),
        ({"statusCode": 200, "reqHost": "b%C3%BCcher.example"}, "200 (none) bücher.example"),
        ({"statusCode": "a b", "country": "D E", "reqHost": "a b"}, "(none) D_E a b"),
        ({"statusCode": "-", "country": ["DE"], "reqHost": 7}, "(none) (none) 7"),
        ({}, "(none) (none) (none)"),
    ],
)
def test_a_cdn_line_says_its_site(sent: dict[str, object], site: str):
    """One host is one, in whichever letters and with whichever port it was asked for."""
    assert read_request(json.dumps(sent).encode()).site == site


def test_an_access_log_line_says_its_site_and_who_led_to_it():
    """Servers with one host do not say which."""
    stage = access_log_stage(None, GeoIP(None, None))
    line = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 503 1 "https://A.example/x?y" "-"'
    request = request_of_entry(stage.read(line))
    assert (request.site, request.referer) == ("503 (none) (none)", "a.example")


@given(st.text(), st.text(), st.text())
def test_the_parts_of_a_key_are_those_that_tables_count_by_alone(status: str, country: str, host: str):
    """A filter by two fields finds what filters by each of them find."""
    line = {"statusCode": status, "country": country, "reqHost": host}
    request = read_request(json.dumps(line).encode())
    first, second, _ = request.site.split(" ", 2)
    assert first == request.status.replace(" ", "_")
    assert second == (request.country or "(none)").replace(" ", "_")


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://www.Example.com/a?b#c", "www.example.com"),
        ("https%3A%2F%2Fexample.com%2Fa", "example.com"),
        ("http://user:secret@example.com:8080/", "example.com"),
        ("http://user:se@cret@example.com/", "example.com"),
        ("http://user:secret@", "(no URL)"),
        ("http://user:secret@:80/", "(no URL)"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("android-app://com.example.reader/", "com.example.reader"),
        ("/a/path", "(no URL)"),
        ("javascript:alert(1)", "(no URL)"),
        ("-", "(none)"),
        ("", "(none)"),
        (None, "(none)"),
        (7, "(no URL)"),
    ],
)
def test_a_referer_is_its_host(referer: object, host: str):
    """Its path would be a key for each page, and may be private."""
    assert read_request(json.dumps({"referer": referer}).encode()).referer == host
