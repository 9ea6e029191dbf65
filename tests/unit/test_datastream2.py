"""DataStream 2: what Akamai sends, and its typed form."""

import json

import pytest

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.datastream2 import line_stage
from dataflow.stages.datastream2.fields import ALWAYS, FIELDS
from models.access_log_entry import AccessLogEntry
from models.cdn_log_entry import CdnLogEntry

STAGE = line_stage()
NULL_FORMS = ["", "-", "^", None]


def typed(line: dict[str, object] | bytes) -> dict[str, object]:
    """Return the typed form of a line."""
    [out] = STAGE(line if isinstance(line, bytes) else json.dumps(line).encode())
    entry: dict[str, object] = json.loads(out)
    return entry


def refused(raw: bytes) -> InvalidEvent:
    """Return why a line is a dead letter."""
    with pytest.raises(InvalidEvent) as caught:
        STAGE(raw)
    return caught.value


def test_a_line_as_it_is_sent():
    """Numbers are numbers, time is UTC to the millisecond, texts are decoded."""
    line = {
        "version": "1",
        "streamId": "12345",
        "cp": "123456",
        "reqId": "1239f220",
        "reqTimeSec": "1645568187.280",
        "bytes": "4995",
        "cliIP": "2001:db8::1",
        "statusCode": "206",
        "proto": "HTTPS",
        "reqHost": "www.example.com",
        "reqMethod": "GET",
        "reqPath": "a%20b/c",
        "UA": "Mozilla/5.0%20(X11)",
        "queryStr": "q=%C3%A9",
        "referer": "-",
        "turnAroundTimeMSec": "11",
        "reqEndTimeMSec": "2",
        "transferTimeMSec": "125",
        "cacheStatus": "1",
        "country": "SE",
        "state": "%C3%96sterg%C3%B6tland",
        "city": "LINK%C3%96PING",
        "asn": "29518",
        "tlsVersion": "TLSv1.3",
    }
    assert typed(line) == {
        "version": 1,
        "stream_id": 12345,
        "cp_code": 123456,
        "request_id": "1239f220",
        "ts": "2022-02-22T22:16:27.280Z",
        "bytes": 4995,
        "ip": "2001:db8::1",
        "status": 206,
        "protocol": "HTTPS",
        "host": "www.example.com",
        "method": "GET",
        "endpoint": "/a b/c",
        "user_agent": "Mozilla/5.0 (X11)",
        "query": "q=é",
        "referer": None,
        "turnaround_ms": 11,
        "request_end_ms": 2,
        "transfer_ms": 125,
        "cache_status": 1,
        "country": "SE",
        "region": "Östergötland",
        "city": "LINKÖPING",
        "asn": 29518,
        "tls_version": "TLSv1.3",
        "duration_ms": 138,
        "response_time_ms": 138,
        "is_cache_hit": True,
    }


@pytest.mark.parametrize(
    ("sent", "ts"),
    [
        ("1573840000", "2019-11-15T17:46:40.000Z"),
        ("1645568187.280", "2022-02-22T22:16:27.280Z"),
        ("1645568187.28", "2022-02-22T22:16:27.280Z"),
        ("1645568187.2809", "2022-02-22T22:16:27.280Z"),
        (1645568187, "2022-02-22T22:16:27.000Z"),
        (1645568187.28, "2022-02-22T22:16:27.280Z"),
        (1645568187.007, "2022-02-22T22:16:27.007Z"),
        ("253402300799.999", "9999-12-31T23:59:59.999Z"),
        *((form, None) for form in NULL_FORMS),
    ],
)
def test_time_keeps_its_milliseconds(sent, ts):
    """As text, so that no float takes them."""
    assert typed({"reqTimeSec": sent})["ts"] == ts


@pytest.mark.parametrize("form", NULL_FORMS)
@pytest.mark.parametrize("key", [key for key in FIELDS if key != "reqPath"])
def test_every_form_of_no_value_is_null(key, form):
    """Absent, null, `-`, `^` and nothing mean the same."""
    assert typed({key: form}).get(FIELDS[key][0]) is None


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/a/b", "/a/b"),
        ("a/b", "/a/b"),
        ("//a", "/a"),
        ("", "/"),
        ("/", "/"),
        ("a%3Fb", "/a?b"),
        ("a?b", "/a"),
        ("100%", "/100%"),
        ("a+b", "/a+b"),
        ("%E9", r"/\xe9"),
        ("-", "/"),
        ("^", None),
        (None, None),
    ],
)
def test_paths(path, endpoint):
    """One leading slash, decoded once; an empty one without its slash, and `-` for it, is the home page."""
    assert typed({"reqPath": path})["endpoint"] == endpoint


def test_an_empty_path_beside_unusual_values_is_the_home_page_too():
    """The slower way to read a line gives the same."""
    assert typed({"reqPath": "", "statusCode": "-"})["endpoint"] == "/"


@pytest.mark.parametrize(
    ("sent", "user_agent"),
    [
        ("Mozilla%2F5.0+%28X11%3B+Linux%29", "Mozilla/5.0 (X11; Linux)"),
        ("Bot/1.0%20(+http://a.example/)", "Bot/1.0 (+http://a.example/)"),
        ("Bot/1.0 (+http://a.example/)", "Bot/1.0 (+http://a.example/)"),
        ("a%2Bb+c", "a+b c"),
        ("50%", "50%"),
        ("%zz%41", "%zzA"),
        ("%2541", "%41"),
        ("a%00b", "a%00b"),
        ("-", None),
    ],
)
def test_user_agents_are_decoded_once_and_leniently(sent, user_agent):
    """`+` is a space only where nothing else is one."""
    assert typed({"UA": sent})["user_agent"] == user_agent


@pytest.mark.parametrize(
    ("sent", "hit"),
    [("1", True), (1, True), ("0", False), (0, False), ("2", None), ("-", None), (None, None)],
)
def test_cache_hit(sent, hit):
    """1 is served from the edge, 0 is forwarded; what else may come is not guessed."""
    assert typed({"cacheStatus": sent})["is_cache_hit"] is hit


@pytest.mark.parametrize("missing", ["turnAroundTimeMSec", "reqEndTimeMSec", "transferTimeMSec"])
def test_a_part_of_the_duration_is_not_the_duration(missing):
    """Without one of the three the total is not known."""
    line = {"turnAroundTimeMSec": "1", "reqEndTimeMSec": "2", "transferTimeMSec": "3"}
    assert typed(line)["duration_ms"] == 6
    assert typed(line | {missing: "-"})["duration_ms"] is None
    del line[missing]
    assert typed(line)["duration_ms"] is None


@pytest.mark.parametrize(
    ("sent", "crumbs"),
    [
        (
            "//BC/%5Ba=23.33.41.20,c=g,k=0,l=1,m=2%5D",
            [
                {
                    "ip": "23.33.41.20",
                    "component": "edge",
                    "request_end_ms": 0,
                    "turnaround_ms": 1,
                    "dns_ms": 2,
                }
            ],
        ),
        (
            "//BC/[a=1.2.3.4,b=1f,c=p,n=US_MA,o=16625],[a=::1,c=o,j=x,k=-]",
            [
                {"ip": "1.2.3.4", "request_id": "1f", "component": "peer", "geo": "US_MA", "asn": 16625},
                {"ip": "::1", "component": "origin", "j": "x"},
            ],
        ),
        (
            "//BC/[c=c][c=w][c=z]",
            [{"component": "parent"}, {"component": "cloud_wrapper"}, {"component": "z"}],
        ),
        ("//BC/[]", [{}]),
    ],
)
def test_breadcrumbs_are_one_object_a_component(sent, crumbs):
    """Letters become names; what is not known keeps its letter."""
    assert typed({"breadcrumbs": sent})["breadcrumbs"] == crumbs


def test_versions_are_numbers_or_texts():
    """Both are sent."""
    assert [typed({"version": sent})["version"] for sent in ("1", 1, "1.2", "b")] == [1, 1, "1.2", "b"]


def test_a_number_in_place_of_a_text_is_its_text():
    """Some senders are set to write numbers."""
    assert typed({"reqId": 12, "tlsVersion": 1.3})["request_id"] == "12"


def test_unknown_keys_are_kept_byte_for_byte():
    """Tomorrow's fields are not lost; a known name is not taken from them either."""
    [out] = STAGE(b'{"new": [1, 2.50,{"a" :1e400}], "statusCode":"200", "status": "mine"}')
    assert b'"new":[1, 2.50,{"a" :1e400}]' in out
    assert b'"status":200' in out
    assert b'"sent_status":"mine"' in out


def test_the_shared_names_are_always_there_and_the_others_when_sent():
    """Tables and sinks need no second look; lines stay small."""
    assert set(typed(b"{}")) == ALWAYS
    assert set(typed(b"{}").values()) == {None}


def test_the_record_documents_every_field_in_its_order():
    """It is what users read."""
    names = list(CdnLogEntry.__annotations__)
    assert names == [
        *(name for name, _ in FIELDS.values()),
        "duration_ms",
        "response_time_ms",
        "is_cache_hit",
    ]
    assert set(AccessLogEntry.__annotations__) >= ALWAYS - {"duration_ms", "is_cache_hit"}


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (b"", Reason.EMPTY, "value is empty; expected a JSON object"),
        (b" \n", Reason.EMPTY, "value is empty"),
        (b"{", Reason.NOT_JSON, "value is not JSON"),
        (b'{"a":1} x', Reason.NOT_JSON, "trailing characters"),
        (b"[]", Reason.NOT_AN_OBJECT, "got `array`"),
        (b"null", Reason.NOT_AN_OBJECT, "got `null`"),
        (b'{"UA":"\xff"}', Reason.NOT_UTF8, "byte 0xff at 7"),
        (b'{"a":' + b"[" * 100_000, Reason.TOO_DEEP, "nested too deep"),
    ],
)
def test_what_is_no_json_object_is_a_dead_letter(raw, reason, detail):
    """Nothing of it could be counted."""
    error = refused(raw)
    assert error.reason is reason
    assert detail in error.detail


@pytest.mark.parametrize(
    ("sent", "name", "kept"),
    [
        ('"statusCode":"abc"', "status", '"statusCode":"abc"'),
        ('"statusCode":"99999999999999999999"', "status", '"statusCode":"99999999999999999999"'),
        ('"bytes":[1]', "bytes", '"sent_bytes":[1]'),
        ('"streamId":"1234abc"', "stream_id", '"streamId":"1234abc"'),
        ('"reqHost":true', "host", '"reqHost":true'),
        ('"reqTimeSec":"now"', "ts", '"reqTimeSec":"now"'),
        ('"reqTimeSec":"0"', "ts", '"reqTimeSec":"0"'),
        ('"reqTimeSec":"253402300800"', "ts", '"reqTimeSec":"253402300800"'),
        ('"breadcrumbs":"a=1"', "breadcrumbs", '"sent_breadcrumbs":"a=1"'),
        ('"breadcrumbs":"//BC/[a=1.2.3.4,c=g"', "breadcrumbs", '"sent_breadcrumbs":"//BC/[a=1.2.3.4,c=g"'),
        ('"breadcrumbs":{"a":[1]}', "breadcrumbs", '"sent_breadcrumbs":{"a":[1]}'),
    ],
)
def test_a_value_that_cannot_be_read_is_null_and_kept_as_it_was_sent(sent, name, kept):
    """The request happened, and the tables count it; nothing of what was sent is lost."""
    [out] = STAGE(b'{"reqPath":"a","cliIP":"192.0.2.1",' + sent.encode() + b"}")
    entry = json.loads(out)
    assert (entry["endpoint"], entry["ip"], entry[name]) == ("/a", "192.0.2.1", None)
    assert kept.encode() in out


@pytest.mark.parametrize(("sent", "status"), [("000", 0), ("503.9", 503), (" 503 ", 503), ("0503", 503)])
def test_a_status_is_the_number_that_tables_count(sent, status):
    """`status_of` reads it the same way: both agree which requests failed."""
    assert typed({"statusCode": sent})["status"] == status
