"""W3C logs: whatever columns an administrator has chosen; and lines of logs that are no access logs."""

import pytest

from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import line_parser
from dataflow.stages.access_log.lines import LoggedRequest
from dataflow.stages.access_log.named import format_files

USUAL = "date time c-ip cs-method cs-uri-stem sc-status"
ISO = "2023-05-17T10:05:03.006Z"
ENVOY_JSON = '{"downstream_remote_address":"192.0.2.9:5","response_code":0,'
CADDY_ERROR = (
    '{"level":"error","ts":1646861401.5,"logger":"http.log.error.log0","msg":"dial tcp","request":'
    '{"remote_ip":"192.0.2.9","proto":"HTTP/2.0","method":"GET","host":"a.example","uri":"/"},'
    '"duration":0.1,"status":502,"err_id":"1"}'
)
"""The request stands in its access log, too."""


def read(header: str, line: str, zone: str | None = None) -> tuple[dict[str, object], dict[str, int]]:
    """Return the fields of a line behind a header that have a value, and what could not be read."""
    parser = line_parser(None, zone)
    with pytest.raises(DroppedEvent):
        parser.parse(f"#Fields: {header}".encode())
    request = parser.parse(line.encode())
    values = {name: getattr(request, name) for name in LoggedRequest.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}, dict(parser.unreadable)


@pytest.mark.parametrize(
    ("zone", "ts"), [(None, "2015-05-17T10:05:03Z"), ("Europe/Berlin", "2015-05-17T08:05:03Z")]
)
def test_a_local_time_counts_where_there_is_no_other(zone, ts):
    """IIS Advanced Logging writes it; where both are there, date and time are in UTC."""
    local = USUAL.replace("date time", "date-local time-local")
    assert read(local, "2015-05-17 10:05:03 192.0.2.1 GET /a 200", zone)[0]["ts"] == ts
    both = f"date-local time-local {USUAL}"
    line = "2015-05-17 12:05:03 2015-05-17 10:05:03 192.0.2.1 GET /a 200"
    assert read(both, line, zone)[0]["ts"] == "2015-05-17T10:05:03Z"


@pytest.mark.parametrize(
    ("columns", "texts", "expected"),
    [
        ("cs-uri cs-uri-query", "www.example.com/a b=c", ("www.example.com", "/a", "b=c")),
        ("cs-uri cs-uri-query", "/a b=c", (None, "/a", "b=c")),
        ("cs-uri", "www.example.com:443/a?b=c", ("www.example.com", "/a", "b=c")),
        ("cs-uri cs(Host)", "/a?b=c h.example", ("h.example", "/a", "b=c")),
        ("cs-uri", "http://www.example.com/a", (None, "http://www.example.com/a", None)),
        ("cs-uri", "www.example.com:443", (None, "www.example.com:443", None)),
    ],
)
def test_a_uri_may_begin_with_a_host_and_have_its_query_in_another_column(columns, texts, expected):
    """Incapsula writes both so: its host was a part of the path, and its query was lost."""
    fields, unreadable = read(f"date time c-ip {columns} sc-status", f"2015-05-17 10:05:03 ::1 {texts} 200")
    assert (fields.get("host"), fields["endpoint"], fields.get("query")) == expected
    assert unreadable == {}


@pytest.mark.parametrize(
    "line",
    [
        '2015-05-17 10:05:03.250 "192.0.2.1" "GET" "/a" "200" "Mozilla/5.0 (""X11"")" "12"',
        '2015-05-17 10:05:03.250 192.0.2.1 GET "/a" 200 Mozilla/5.0+("X11") "12"',
        '"2015-05-17" "10:05:03.250" "192.0.2.1" "GET" "/a" "200" "Mozilla/5.0 (""X11"")" "12"',
    ],
)
def test_values_may_stand_in_quotes_all_or_some_of_them(line):
    """Tomcat and IIS Advanced Logging write texts so, Incapsula every value."""
    fields, unreadable = read(f"{USUAL} cs(User-Agent) sc-bytes", line)
    assert fields == {
        "ip": "192.0.2.1", "ts": "2015-05-17T10:05:03.250Z", "method": "GET", "endpoint": "/a", "status": 200,
        "user_agent": 'Mozilla/5.0 ("X11")', "bytes": 12,
    }  # fmt: skip
    assert unreadable == {}


@pytest.mark.parametrize(("took", "ms"), [("46", 46), ("0.046", 46), ("1.5", 1500), ("-", None)])
def test_a_time_with_decimals_is_in_seconds(took, ms):
    """IIS writes whole milliseconds, Tomcat seconds."""
    fields, _ = read(f"{USUAL} time-taken", f"2015-05-17 10:05:03 192.0.2.1 GET /a 200 {took}")
    assert fields.get("response_time_ms") == ms


def test_the_query_may_stand_with_the_path():
    """Else each query would be a path of its own in the tables."""
    line = "2015-05-17 10:05:03 192.0.2.1 GET /a?b=c 200"
    fields, _ = read(USUAL, line)
    assert (fields["endpoint"], fields["query"]) == ("/a", "b=c")


def test_names_of_columns_are_compared_without_regard_to_case():
    """IIS modules differ in them."""
    header = USUAL.replace("c-ip", "C-IP") + " CS(User-Agent) TimeTakenMS"
    fields, _ = read(header, "2015-05-17 10:05:03 192.0.2.1 GET /a 200 curl/8.5.0 7")
    assert (fields["ip"], fields["user_agent"], fields["response_time_ms"]) == ("192.0.2.1", "curl/8.5.0", 7)


def test_what_cannot_be_read_beside_the_request_is_null_and_counted():
    """A module writes a word in the place of a number: the request happened."""
    header = f"{USUAL} sc-substatus sc-bytes time-taken cs-version"
    fields, unreadable = read(header, "2015-05-17 10:05:03 192.0.2.1 GET /a 200 odd many soon HTTP")
    assert (fields["endpoint"], fields["status"]) == ("/a", 200)
    assert unreadable == {"bytes": 1, "response_time_ms": 1, "protocol": 1}


@pytest.mark.parametrize(
    "line",
    [
        "2015-05-17 10:05:03 17 GET /a 200",
        "2015-05-17 10:05:03 192.0.2.1 GET /a odd",
        "17 10:05 192.0.2.1 GET /a 200",
    ],
)
def test_time_client_and_status_tell_that_a_line_has_these_columns(line):
    """Any line with as many words would be a request else."""
    with pytest.raises(InvalidEvent):
        read(USUAL, line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "192.0.2.9:5001 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0",
            "a TCP connection",
        ),
        ("192.0.2.9:5001 [06/Feb/2009:12:12:51.443] fe/1: SSL handshake failure", "an error of HAProxy"),
        (
            '192.0.2.9:1 [06/Feb/2009:12:12:51.443] fe b/s1 0/0/1/4/5 200 9 - - ---- 1/1/0/0/0 0/0 "GET /a?b',
            "cut off by HAProxy",
        ),
        ("Connect from 192.0.2.9:5001 to 10.0.0.1:80 (www/HTTP)", "a connection"),
        (
            "tls 2.0 2018-12-20T02:59:40 net/lb/c6e77 g3d4 192.0.2.9:2817 10.0.0.1:80 5 2 98 246 -",
            "network load",
        ),
        ("2015/05/17 10:05:03 [error] 31#31: *46 open() failed, client: 192.0.2.9", "nginx's error log"),
        (
            "[Sun May 17 10:05:03.880562 2015] [auth_basic:error] [pid 1] [client 192.0.2.9:5] a",
            "Apache's error log",
        ),
        ('at=info method=GET path="/" host=a request_id=b', "Heroku's router without its frame"),
        ('{"records":[{"time":"2023-05-17T10:05:03Z"}]}', "several records in one event"),
        ('[{"time":"2023-05-17T10:05:03Z"}]', "several records in one event"),
        (CADDY_ERROR, "an error or a detail in the log of Caddy"),
        ("[Sun May 17 10:05:03 2015] [error] [client 192.0.2.9] no file", "Apache's error log"),
        (
            "2015-05-17 10:05:03 10.0.0.4 GET /a - 80 - 192.0.2.9 curl - 404 0 2 1405 242 283",
            "`#Fields:` line",
        ),
    ],
)
@pytest.mark.parametrize(
    "prefix", ["", "Feb 17 11:48:51 web1 server[7]: ", "2020-02-07T11:48:51.1Z stderr F "]
)
def test_a_line_of_another_log_is_told_as_that(prefix, line, said):
    """They come in the same container or syslog; the reason says what to send instead."""
    with pytest.raises(InvalidEvent, match=said):
        line_parser(None).parse(f"{prefix}{line}".encode())


@pytest.mark.parametrize(
    "line",
    [
        f'[{ISO}] "- - -" 0 - - - "-" 1 2 9 - "-" "-" "-" "-" "10.0.0.1:5" a b c d - -',
        f'[{ISO}] "- - -" 0 UF 1 2 9 - "-" "-" "-" "-" "10.0.0.1:5"',
        f'{ENVOY_JSON}"authority":"-","protocol":"-","start_time":"{ISO}"}}',
        f'{ENVOY_JSON}":authority":null,"protocol":null,"start_time":"{ISO}"}}',
        f'{ISO} lb 192.0.2.9:2817 10.0.0.1:80 0.001 0.000028 0.000041 - - 82 305 "- - - " "-" - -',
        f'{ISO} lb 192.0.2.9:2817 - -1 -1 -1 - - 0 0 "- - - "',
    ],
)
@pytest.mark.parametrize("prefix", ["", "2020-02-07T11:48:51.1Z stdout F "])
def test_a_connection_in_the_log_of_a_mesh_or_balancer_is_dropped(prefix, line):
    """Half of the lines of a sidecar may be some: as dead letters they would stop a stream."""
    with pytest.raises(DroppedEvent, match="no_request"):
        line_parser(None).parse(f"{prefix}{line}".encode())


def test_a_format_of_ones_own_without_a_protocol_is_no_connection():
    """Envoy's keys are chosen freely; all lines would be dropped without a word."""
    line = f'{ENVOY_JSON}"start_time":"{ISO}"}}'
    with pytest.raises(InvalidEvent, match="expected those of a known format"):
        line_parser(None).parse(line.encode())


@pytest.mark.parametrize(("more", "ms"), [("s-computername", 12.3456), ("s-sitename", 12345.6)])
def test_a_time_with_decimals_is_in_milliseconds_where_a_log_of_asp_net_core_has_its_columns(more, ms):
    """W3C says seconds, and Tomcat and WebLogic follow it: each response was a thousand times as slow."""
    header, line = f"{USUAL} {more} time-taken", "2023-05-17 10:05:03 192.0.2.1 GET /a 200 WEB1 12.3456"
    assert read(header, line)[0]["response_time_ms"] == ms


CLOUDFRONT = format_files()["cloudfront"].examples[0].line.split("\t")


@pytest.mark.parametrize("count", [12, 15, 18, 19, 23, 24, 26, 33])
def test_cloudfront_is_read_without_its_header_with_as_many_columns_as_it_has_had(count):
    """Only the newest were: a file that was cut, or a stream of many files, has no header in front."""
    request = line_parser(None).parse("\t".join(CLOUDFRONT[:count]).encode())
    assert (request.ip, request.endpoint, request.status) == ("192.0.2.100", "/index.html", 200)
    assert request.host == ("www.example.com" if count >= 18 else "d111111abcdef8.cloudfront.net")
    assert request.response_time_ms == (1 if count >= 19 else None)


@pytest.mark.parametrize("count", [11, 13, 25, 34])
def test_cloudfront_is_not_read_with_another_number_of_columns(count):
    """The line was cut, or is of another log."""
    with pytest.raises(InvalidEvent):
        line_parser(None).parse("\t".join([*CLOUDFRONT, "-"][:count]).encode())
