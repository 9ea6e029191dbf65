"""Request kind: few keys, whatever senders make up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.stages.access_log import access_log_stage
from dataflow.stages.filter_rules import read_request
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import request_of_entry
from dataflow.stages.request_kind import kind_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"reqMethod": "GET", "cacheStatus": "1", "UA": FIREFOX}, "GET hit person"),
        ({"reqMethod": "POST", "cacheStatus": 0, "UA": GOOGLEBOT.replace(" ", "%20")}, "POST miss bot"),
        ({"reqMethod": "-", "cacheStatus": "^", "UA": ""}, "- - -"),
        ({"reqMethod": "get", "cacheStatus": True, "UA": None}, "other - -"),
        ({"reqMethod": ["GET"], "cacheStatus": 1.0}, "- hit -"),
        ({}, "- - -"),
    ],
)
def test_a_cdn_line_says_its_kind(sent: dict[str, object], kind: str):
    """Numbers as texts or as numbers, and user agents however they are encoded."""
    assert read_request(json.dumps(sent).encode()).kind == kind


@pytest.mark.parametrize(("agent", "client"), [(FIREFOX, "person"), (GOOGLEBOT, "bot"), ("-", "-")])
def test_an_access_log_line_says_its_kind(agent: str, client: str):
    """Servers do not say what their cache did."""
    stage = access_log_stage(None, GeoIP(None, None))
    line = f'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "HEAD / HTTP/1.1" 200 1 "-" "{agent}"'
    assert request_of_entry(stage.read(line.encode())).kind == f"HEAD - {client}"


@given(st.text(), st.text(), st.text())
def test_there_are_few_kinds(method: str, cache_status: str, agent: str):
    """A scanner that makes up methods makes up no keys."""
    line = {"reqMethod": method, "cacheStatus": cache_status, "UA": agent}
    known, cache, client = read_request(json.dumps(line).encode()).kind.split(" ")
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
    assert known in ("-", "other", *methods)
    assert cache in ("hit", "miss", "-")
    assert client in ("person", "bot", "-")


def test_what_a_line_does_not_say_is_a_dash():
    """Nobody takes it for a miss, or for a person."""
    assert kind_of(None, "-") == "- - -"
