"""Named formats of access logs: each file of data is tested by its examples, and by a file of made lines."""

import json
import re
from pathlib import Path

import pytest

from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.access_log import access_log_stage, line_parser, line_stage
from dataflow.stages.access_log.lines import LoggedRequest
from dataflow.stages.access_log.named import compile_named, format_files
from dataflow.stages.access_log.w3c_format import LONGEST_HEADER, MOST_COLUMNS, MOST_HEADERS
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import request_of_entry

MADE = Path(__file__).parents[1] / "data" / "access_logs" / "named"
FILES = format_files()
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name, file in FILES.items()
    for number, example in enumerate(file.examples)
]
COMBINED = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"'
AUTO = line_parser(None)
FORWARDED_FIELDS = '"a" dyno=web.1 connect=1ms service=1ms status=500 bytes=1 a=, 1"'


def fields(request: LoggedRequest) -> dict[str, object]:
    """Return the fields that have a value."""
    values = {name: getattr(request, name) for name in LoggedRequest.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("name", FILES)
def test_a_format_has_three_examples_and_a_title(name):
    """They are its tests, and what `dataflow formats` shows."""
    assert len(FILES[name].examples) >= 3
    assert FILES[name].title


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
@pytest.mark.parametrize("stated", [True, False])
def test_an_example_gives_its_fields_whether_its_format_is_stated_or_recognized(name, example, stated):
    """One parser has seen all other formats before: what it is depends on the line alone."""
    parser = line_parser(name) if stated else AUTO
    assert fields(parser.parse(example.line.encode())) == example.fields


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_no_other_format_takes_the_line(name, example):
    """Else the order in which formats are tried would decide what a line says."""
    for other, file in FILES.items():
        if other != name and not file.wraps and not FILES[name].wraps:
            with pytest.raises(InvalidEvent):
                compile_named(other, None).parse_line(example.line)


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if not file.wraps])
def test_a_stated_format_takes_no_usual_line(name):
    """Who states a format means it."""
    with pytest.raises(InvalidEvent):
        line_parser(name).parse(COMBINED.encode())


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_made_lines_gives_what_it_must(name):
    """As many lines as a short log has, with what must come out beside it."""
    lines = (MADE / f"{name}.log").read_bytes().splitlines()
    expected = [json.loads(line) for line in (MADE / f"{name}.json").read_text().splitlines()]
    assert len(lines) == len(expected) >= 20
    assert [fields(AUTO.parse(line)) for line in lines] == expected


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if "<user> [" in (file.layout or "")])
@pytest.mark.parametrize("user", ["bob smith", "[x", "a [b] c"])
def test_a_client_may_type_any_name_of_a_user(name, user):
    """Servers log what it typed, also if it may not log in: anybody could make dead letters."""
    for example in FILES[name].examples:
        named = re.escape(f" {example.fields.get('user', '-')} [") + "(?=[0-9]{2}/)"
        line = re.sub(named, f" {user} [", example.line, count=1)
        assert fields(AUTO.parse(line.encode())) == example.fields | {"user": user}


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_a_collector_may_have_wrapped_the_line(name, example):
    """A load balancer logs to syslog, a proxy runs in a container."""
    wrapped = f"2020-02-07T11:48:51.1Z stdout F {example.line}"
    got = fields(AUTO.parse(wrapped.encode()))
    assert got == example.fields


def test_a_fields_line_names_the_columns_of_the_lines_behind_it():
    """An administrator chooses them; lines that begin with # are no requests."""
    parser = line_parser("iis")
    with pytest.raises(DroppedEvent):
        parser.parse(b"#Software: Microsoft Internet Information Services 10.0")
    with pytest.raises(DroppedEvent):
        parser.parse(b"#Fields: date time c-ip cs-method cs-uri-stem sc-status time-taken")
    assert fields(parser.parse(b"2015-05-17 10:05:03 192.0.2.1 GET /a 200 46")) == {
        "ip": "192.0.2.1",
        "ts": "2015-05-17T10:05:03Z",
        "method": "GET",
        "endpoint": "/a",
        "status": 200,
        "response_time_ms": 46,
    }


def test_the_columns_may_be_stated_as_the_format():
    """Where several workers read a log only one of them sees its first lines."""
    stage = line_stage("#Fields: time date cs-uri-stem c-ip", None, None)
    assert stage(b"#Version: 1.0") == []
    assert json.loads(stage(b"10:05:03 2015-05-17 /a 192.0.2.1")[0])["ts"] == "2015-05-17T10:05:03Z"
    with pytest.raises(Misconfigured, match="log format has no time"):
        line_stage("#Fields: c-ip cs-uri-stem", None, None)


def test_a_fields_line_of_a_sender_costs_as_much_as_its_length():
    """Each column made a pattern of all before it: six kilobytes of names took a worker a minute."""
    parser = line_parser("iis")
    usual = "date time c-ip cs-method cs-uri-stem sc-status"
    for more in ("x " * (MOST_COLUMNS - 5), "x" * LONGEST_HEADER):
        with pytest.raises(InvalidEvent, match="cannot be used: expected at most 100 names in 4096"):
            parser.parse(f"#Fields: {usual} {more}".encode())
    with pytest.raises(DroppedEvent):
        parser.parse(f"#Fields: {usual} {'x ' * (MOST_COLUMNS - 6)}".encode())


def test_so_many_different_fields_lines_are_read_by_and_those_before_stay_good():
    """A sender who writes another one before each line would have each compiled."""
    parser = line_parser("iis")
    usual = b"#Fields: date time c-ip cs-uri-stem"
    for name in range(1, MOST_HEADERS):
        with pytest.raises(DroppedEvent):
            parser.parse(b"%b x-%d" % (usual, name))
    with pytest.raises(InvalidEvent, match="expected one of the 64"):
        parser.parse(usual)
    with pytest.raises(DroppedEvent):
        parser.parse(usual + b" x-1")
    assert parser.parse(b"2015-05-17 10:05:03 192.0.2.1 /a b").endpoint == "/a"


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ("date time c-ip date time sc-status", "expected %Y once"),
        ("time c-ip cs-method cs-uri-stem", "expected year, month, day and hour"),
        ("date c-ip cs-method", "expected year, month, day and hour"),
    ],
)
def test_columns_that_hold_no_whole_time_are_refused(columns, why):
    """Without a day Python takes 1900; a column that stood there twice ended the worker."""
    parser = line_parser(None)
    with pytest.raises(InvalidEvent, match=why):
        parser.parse(f"#Fields: {columns}".encode())


def test_a_value_with_blanks_may_stand_in_quotes():
    """W3C has it so; IIS writes a plus for a blank, and a backslash as it came."""
    parser = line_parser(None)
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)"
    with pytest.raises(DroppedEvent):
        parser.parse(header)
    quoted = parser.parse(b'2015-05-17 10:05:03.25 "192.0.2.1" GET /a 200 "My ""app"" 1\\x41"')
    assert (quoted.ip, quoted.ts, quoted.user_agent) == (
        "192.0.2.1",
        "2015-05-17T10:05:03.250Z",
        'My "app" 1\\x41',
    )
    plain = parser.parse(b"2015-05-17 10:05:03 192.0.2.1 GET /a 200 a\\b+c")
    assert plain.user_agent == "a\\b c"
    with pytest.raises(InvalidEvent):
        parser.parse(b'2015-05-17 10:05:03 192.0.2.1 GET /a 200 "a" b"')


def test_what_could_not_be_read_stays_counted_when_the_columns_change():
    """A counter of Prometheus that begins again says that a worker has."""
    parser = line_parser("cloudfront")
    usual = b"#Fields: date time x-edge-location c-ip cs-uri-stem time-taken"
    for header in (usual, usual + b" sc-status", usual):
        with pytest.raises(DroppedEvent):
            parser.parse(header)
        parser.parse(b"2015-05-17\t10:05:03\tLAX1\t192.0.2.1\t/a\tx" + (b"\t200" if header != usual else b""))
    assert parser.unreadable == {"response_time_ms": 3}


def test_the_other_fields_of_a_journal_entry_are_no_requests():
    """`journalctl -o export` writes a line for each."""
    stage = line_stage(None, None, None)
    assert stage(b"_HOSTNAME=web1") == stage(b"SYSLOG_IDENTIFIER=nginx") == stage(b"PRIORITY=6") == []
    assert stage(b"__REALTIME_TIMESTAMP=1431857103000000") == []
    assert json.loads(stage(f"MESSAGE={COMBINED}".encode())[0])["ip"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a":1}', "line has keys a; expected those of a known format"),
        (b"{", "line is no JSON object"),
        (b"# a remark", "client, ident and user is '# a remark'"),
        (b"PATH=/bin", "client, ident and user is 'PATH=/bin'"),
        (b"hello", "client, ident and user is 'hello'"),
    ],
)
def test_a_line_of_no_format_says_so(line, expected):
    """A dead letter is read by people."""
    with pytest.raises(InvalidEvent) as caught:
        AUTO.parse(line)
    assert expected in caught.value.detail


def test_what_a_client_wrote_into_json_is_read_as_it_is():
    """There is one layer of escapes less than in a line of text."""
    line = FILES["fastly"].examples[0].line.replace("curl/8.5.0", r"a\\x41\"b")
    assert AUTO.parse(line.encode()).user_agent == r'a\x41"b'


@pytest.mark.parametrize("status", ["1000", "-1", "1e400", "true", "[]", "{}", '"x"', "9" * 5_000])
@pytest.mark.parametrize("name", ["caddy", "gcp", "traefik", "cloudflare", "fastly"])
def test_a_number_that_is_none_of_its_kind_costs_the_field_and_not_the_worker(name, status):
    """JSON can hold any; tables count a status of three digits, and 64 bits are all that sinks have."""
    key = next(key for key, column in FILES[name].columns.items() if column == "any_status").split(".")[-1]
    number = next(key for key, column in FILES[name].columns.items() if "seconds" in column or column == "ms")
    line = json.loads(FILES[name].examples[1].line)
    text = json.dumps(line).replace(f'"{key}": ', f'"{key}": {status}, "was": ')
    text = text.replace(f'"{number.split(".")[-1]}": ', f'"{number.split(".")[-1]}": {status}, "took": ')
    try:
        entry = access_log_stage(None, GeoIP()).read(text.encode())
    except InvalidEvent:
        return
    assert request_of_entry(entry).status in ("(none)", status)


def test_times_of_haproxy_are_in_the_zone_that_is_set():
    """Its own lines do not name it."""
    line = FILES["haproxy"].examples[0].line.encode()
    assert line_parser(None, "Europe/Berlin").parse(line).ts == "2009-02-06T11:14:14.655Z"


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "value"),
    [
        ("alb", "192.0.2.131:2817", "2001:db8::7:2817", "ip", "2001:db8::7"),
        ("elb", "192.0.2.131:2817", "2001:db8::7:2817", "ip", "2001:db8::7"),
        ("alb", "/a/b?c=d", "/a#b?c=d", "host", "www.example.com"),
        ("haproxy", "10.0.1.2:33317", "unix:1", "ip", None),
        ("haproxy", " 2750 ", " +2750 ", "bytes", 2750),
        (
            "haproxy",
            'HTTP/1.1"',
            'HTTP/1.1" 0/0000/0/0/0 www.example.com/TLSv1.3/AES',
            "protocol",
            "HTTP/1.1",
        ),
        ("envoy", '" 204 -', '" 0 DC', "status", 0),
        ("istio", '" 418 -', '" 0 DC', "status", 0),
        ("nginx-json", '"192.0.2.1",', '"10.0.0.1","proxy_protocol_addr":"192.0.2.7",', "ip", "192.0.2.7"),
        ("nginx-json", '"192.0.2.1",', '"192.0.2.1","proxy_protocol_addr":"",', "ip", "192.0.2.1"),
        ("s3", '"S3Console/0.4"', '"() { :;}; echo "a"" b"', "user_agent", '() { :;}; echo "a"" b'),
        ("s3", '"S3Console/0.4"', '"a\\b" - "c"', "user_agent", 'a\\b" - "c'),
        ("s3", '"-" "S3', '"() { :;}; "a"" "S3', "referer", '() { :;}; "a"'),
        ("s3", "?versioning", '?a="b"\\x41', "query", 'a="b"\\x41'),
        ("heroku", '"192.0.2.1"', '"192.0.2.7, 10.0.0.1"', "ip", "192.0.2.7"),
        (
            "heroku",
            '"192.0.2.1"',
            FORWARDED_FIELDS,
            "status",
            200,
        ),
        (
            "heroku",
            '"192.0.2.1"',
            FORWARDED_FIELDS,
            "ip",
            None,
        ),
        ("iis", "Mozilla/5.0+(Windows+NT+10.0)", "a\\b", "user_agent", "a\\b"),
        ("traefik", '"192.0.2.1",', '"192.0.2.7, 10.0.0.1",', "ip", "192.0.2.7"),
        ("traefik", '"StartUTC"', '"StartLocal"', "ts", "2023-01-02T03:04:05.006Z"),
        ("traefik", '"StartUTC"', '"Start"', "ts", "2023-01-02T03:04:05Z"),
        ("caddy", "1646861401.5241024", '"2022-03-09T22:30:01.524+0100"', "ts", "2022-03-09T21:30:01.524Z"),
        ("caddy", "1646861401.5241024", "1646861401524.1", "ts", "2022-03-09T21:30:01.524Z"),
        ("caddy", "1646861401.5241024", "1646861401524102400", "ts", "2022-03-09T21:30:01.524Z"),
        ("caddy", '"status":200', '"status":200.0', "status", 200),
        ("caddy", '"size":10900', '"size":1.09e4', "bytes", 10900),
        ("caddy", "/a?b=c", "/a\\u0000b", "endpoint", "/a\\x00b"),
        ("caddy", "/a?b=c", "/a\\ud83d", "endpoint", "/a\\ud83d"),
        ("caddy", "/a?b=c", "/a\\ud83d\\ude00\\\\xe4", "endpoint", "/a\U0001f600\\xe4"),
        ("caddy", '"www.example.com"', '"2001:db8::1"', "host", "2001:db8::1"),
        ("gcp", "/a?b=c", "/a\\\\b", "endpoint", "/a\\b"),
        ("fastly", '"2023-01-02T03:04:05+0000"', "1672628645", "ts", "2023-01-02T03:04:05.000Z"),
    ],
)
def test_what_their_programs_write_besides(name, old, new, field, value):
    """Each of these gave another value, none, or a dead letter."""
    line = FILES[name].examples[0].line
    assert old in line
    assert getattr(AUTO.parse(line.replace(old, new, 1).encode()), field) == value


@pytest.mark.parametrize(
    ("old", "new"), [('"level"', '"type":"stdout","level"'), ('"statusCode":502', '"statusCode":-1')]
)
def test_what_stands_beside_the_requests_of_vercel_is_none(old, new):
    """A function writes lines with the request beside them; -1 is a page that was made again."""
    line = FILES["vercel"].examples[1].line
    assert old in line
    line = line.replace("START RequestId: 1", COMBINED.replace('"', '\\"'))
    with pytest.raises(DroppedEvent, match="no_request"):
        AUTO.parse(line.replace(old, new).encode())


def test_bytes_that_are_no_utf_8_do_not_break_json():
    """A byte of a client is written as it came, and becomes what it is in a line of text."""
    line = FILES["caddy"].examples[0].line.encode().replace(b"curl/7.82.0", b"A\xe4")
    assert AUTO.parse(line).user_agent == "A\\xe4"


def test_an_entry_that_only_mentions_a_request_is_none():
    """Programs in Google Cloud log what they like beside their own messages."""
    with pytest.raises(InvalidEvent, match="expected those of a known format"):
        line_parser(None).parse(b'{"httpRequest":{},"timestamp":"2023-01-02T03:04:05Z"}')


@pytest.mark.parametrize(
    "line", ["garbage", "no log line at all", COMBINED[:60], COMBINED[:-1], COMBINED.replace("200", "2x0")]
)
def test_a_line_of_no_format_is_explained_by_the_usual_one(line):
    """The format with most columns was named, which has many small ones before the line breaks off."""
    assert AUTO.explain(line)[0] == "combined"


def test_a_cut_line_of_a_named_format_is_explained_by_it():
    """Its columns reach furthest."""
    line = FILES["haproxy-clf"].examples[0].line
    assert AUTO.explain(line[:-20])[0] == "haproxy-clf"


def test_the_header_of_a_usage_log_is_no_request():
    """Each file of Google Cloud Storage begins with one."""
    assert line_stage(None, None, None)(b'"time_micros","c_ip","c_ip_type"') == []


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("12ms", 12),
        ("1m2.5s", 62_500),
        ("12.3µs", 0.0123),
        ("2h0m0s", 7_200_000),
        ("850ns", 0.00085),
        ("1.5", 1_500),
        ("1m2", None),
        ("ms", None),
        ("1d", None),
        ("NaN", None),
    ],
)
def test_durations_of_go_are_times(written, ms):
    """Caddy may be told to write them, and Gin does."""
    line = FILES["caddy"].examples[0].line.replace("0.000929675", f'"{written}"')
    assert line_parser("caddy").parse(line.encode()).response_time_ms == ms


@pytest.mark.parametrize("written", ["1" + "0" * 300, "164686140152", "16468614015", "20220309213001"])
def test_digits_that_are_no_time_are_a_dead_letter(written):
    """The first ten of them were taken for seconds."""
    line = FILES["caddy"].examples[0].line.replace("1646861401.5241024", written)
    with pytest.raises(InvalidEvent, match=r"time is '[0-9]+'; expected a time"):
        line_parser("caddy").parse(line.encode())
