"""Access log lines: every kind of line that servers really write, and what becomes of it."""

import gzip
from pathlib import Path

import pytest

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log import line_parser
from dataflow.stages.access_log.usual_formats import parse

DATA = Path(__file__).parents[1] / "data"
SAMPLE = gzip.decompress((DATA / "access_logs/apache_combined_10k.log.gz").read_bytes()).splitlines()
BROKEN = ' "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html'

FRONT = "192.0.2.1 - - [17/May/2015:10:05:03 +0000]"
REQUEST = '"GET /a HTTP/1.1"'
COMMON = f"{FRONT} {REQUEST} 200 12"
COMBINED = f'{COMMON} "http://a.example/" "Agent/1"'


def parsed(line: str) -> dict[str, object]:
    """Return the fields of a line by name."""
    request = parse(line.encode())
    return {name: getattr(request, name) for name in request.__struct_fields__}


def fields(line: str, *names: str) -> tuple[object, ...]:
    """Return some fields of a line."""
    entry = parsed(line)
    return tuple(entry[name] for name in names)


def refused(line: str | bytes) -> InvalidEvent:
    """Return why a line is a dead letter."""
    with pytest.raises(InvalidEvent) as caught:
        parse(line if isinstance(line, bytes) else line.encode())
    return caught.value


def test_a_combined_line_keeps_every_part():
    """Nothing that the server wrote is dropped."""
    line = (
        '2001:db8::1 id bob [17/May/2015:12:05:03 +0200] "POST /a/b?c=d&e HTTP/2.0" 201 34 '
        '"https://ref.example/x?y" "Mozilla/5.0 (X11)"'
    )
    assert parsed(line) == {
        "ip": "2001:db8::1",
        "ts": "2015-05-17T10:05:03Z",
        "host": None,
        "ident": "id",
        "user": "bob",
        "method": "POST",
        "endpoint": "/a/b",
        "query": "c=d&e",
        "protocol": "HTTP/2.0",
        "status": 201,
        "bytes": 34,
        "referer": "https://ref.example/x?y",
        "user_agent": "Mozilla/5.0 (X11)",
        "response_time_ms": None,
    }


def test_a_common_line_has_no_referer_and_no_user_agent():
    """They are not in that format; they are not guessed."""
    assert fields(COMMON, "status", "bytes", "referer", "user_agent") == (200, 12, None, None)


@pytest.mark.parametrize(
    ("front", "ip", "host", "ident", "user"),
    [
        ("192.0.2.1 - - ", "192.0.2.1", None, None, None),
        ("::1 - - ", "::1", None, None, None),
        ("client-7.example.net - - ", "client-7.example.net", None, None, None),
        ("192.0.2.1 ident bob ", "192.0.2.1", None, "ident", "bob"),
        ("192.0.2.1 - bob smith ", "192.0.2.1", None, None, "bob smith"),
        ('192.0.2.1 - "" ', "192.0.2.1", None, None, None),
        ("www.example.com 192.0.2.1 - - ", "192.0.2.1", "www.example.com", None, None),
        ("www.example.com:443 ::1 - bob ", "::1", "www.example.com", None, "bob"),
        ("[2001:db8::2]:80 192.0.2.1 - - ", "192.0.2.1", "[2001:db8::2]", None, None),
        ("198.51.100.7, 192.0.2.1 - - ", "198.51.100.7", None, None, None),
        ("- - - ", None, None, None, None),
        ("192.0.2.1 www.example.com bob ", "192.0.2.1", "www.example.com", None, "bob"),
        ("192.0.2.1 www.example.com bob smith ", "192.0.2.1", "www.example.com", None, "bob smith"),
        ("192.0.2.1 - - - ", "192.0.2.1", None, None, None),
        ("192.0.2.1 - [192.0.2.1] - - ", "192.0.2.1", None, None, None),
        ("192.0.2.1 - [203.0.113.9, 2001:db8::1] - bob smith ", "192.0.2.1", None, None, "bob smith"),
        ("192.0.2.1 - [bob] - ", "192.0.2.1", None, None, "[bob] -"),
        ("www.example.com 192.0.2.1 ", "192.0.2.1", "www.example.com", None, None),
        ("client-7.example.net bob ", "client-7.example.net", None, "bob", None),
        ("a.example 192.0.2.1 - 5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e - ", "192.0.2.1", "a.example", None, None),
        ("192.0.2.1 - 5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e bob smith ", "192.0.2.1", None, None, "bob smith"),
        ('"203.0.113.9, 10.0.0.1" 192.0.2.1 - bob ', "192.0.2.1", None, None, "bob"),
        (r'"${jndi:\"a}" 192.0.2.1 - - ', "192.0.2.1", None, None, None),
    ],
)
def test_what_stands_in_front_of_the_time(front, ip, host, ident, user):
    """Address, name or list of addresses of the client; a virtual host before it or not."""
    line = f"{front}[17/May/2015:10:05:03 +0000] {REQUEST} 200 12"
    assert fields(line, "ip", "host", "ident", "user") == (ip, host, ident, user)


@pytest.mark.parametrize(
    ("behind", "response_time_ms"),
    [
        ("", None),
        (" 123", 123),
        (" 0", 0),
        (" 0.123", 123),
        (" 1.0", 1000),
        (" 0.0005", 0.5),
        (" -", None),
        (' "198.51.100.7, 192.0.2.1"', None),
        (' "-"', None),
        (" 198.51.100.7, 2001:db8::1", None),
        (' "198.51.100.7" 0.250', 250),
        (' 250 "198.51.100.7"', 250),
        (" 0.250 198.51.100.7", 250),
        (' - "198.51.100.7" 12', 12),
        (' X-Forwarded-For="198.51.100.7, 192.0.2.1"', None),
        (" 0.250 0.100", 250),
        (" 0.100 0.250", 250),
        (" - 0.250", 250),
        (" 0.250 -", 250),
        (" 0.5 0.1, 0.2 : 0.3", 500),
        (" -, 0.2 0.5", 500),
    ],
)
@pytest.mark.parametrize("line", [COMMON, COMBINED])
def test_what_stands_behind(line, behind, response_time_ms):
    """Whole numbers are ms, decimals are nginx's seconds and no addresses; X-Forwarded-For may be there."""
    assert fields(line + behind, "status", "response_time_ms") == (200, response_time_ms)


@pytest.mark.parametrize(
    ("behind", "response_time_ms"),
    [
        (" 1431857103.123", None),
        (" 1431857103", None),
        (" 1331857103", 1331857103),
        (" 0.250 1431857103.123", 250),
        (" 1431857103.123 0.250", 250),
        (' "-" 1431857103.123', None),
        (" 123456789.5", 123456789500),
    ],
)
@pytest.mark.parametrize("line", [COMMON, COMBINED])
def test_an_instant_behind_a_line_is_no_response_time(line, behind, response_time_ms):
    """One of 45 years came of `$msec`, which nginx writes."""
    assert fields(line + behind, "status", "response_time_ms") == (200, response_time_ms)


def test_any_text_may_have_been_forwarded_behind_a_user_agent():
    """The client wrote it. Without a user agent it would be taken for one."""
    assert fields(f'{COMBINED} "<script>" 7', "response_time_ms") == (7,)
    assert "addresses, or a referer and a user agent" in refused(f'{COMMON} "<script>"').detail


@pytest.mark.parametrize(
    ("request_line", "method", "endpoint", "query", "protocol"),
    [
        ("GET / HTTP/1.1", "GET", "/", None, "HTTP/1.1"),
        ("GET /a? HTTP/1.1", "GET", "/a", None, "HTTP/1.1"),
        ("GET /a?b?c HTTP/1.1", "GET", "/a", "b?c", "HTTP/1.1"),
        ("GET /a b/c d?e f HTTP/1.1", "GET", "/a b/c d", "e f", "HTTP/1.1"),
        ("GET /%C3%A9 HTTP/1.1", "GET", "/%C3%A9", None, "HTTP/1.1"),
        (r"GET /\"a\"\\ HTTP/1.1", "GET", '/"a"\\', None, "HTTP/1.1"),
        (r"GET /\xc3\xa9\xff\x00 HTTP/1.1", "GET", r"/é\xff\x00", None, "HTTP/1.1"),
        ("GET /é HTTP/1.1", "GET", "/é", None, "HTTP/1.1"),
        ("get /a HTTP/1.1", "get", "/a", None, "HTTP/1.1"),
        ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*", None, "HTTP/1.1"),
        ("CONNECT a.example:443 HTTP/1.1", "CONNECT", "a.example:443", None, "HTTP/1.1"),
        ("GET http://a.example/b?c HTTP/1.0", "GET", "http://a.example/b", "c", "HTTP/1.0"),
        ("OPTIONS / RTSP/1.0", "OPTIONS", "/", None, "RTSP/1.0"),
        ("GET /old", "GET", "/old", None, None),
        ("GET /old style", "GET", "/old style", None, None),
        ("-", None, None, None, None),
        ("", None, None, None, None),
        ("GET", None, None, None, None),
        ("GET HTTP/1.1", None, None, None, None),
        ("two words", None, None, None, None),
        ("SSH-2.0-Go", None, None, None, None),
        (r"\x16\x03\x01", None, None, None, None),
        (r"\x16\x03\x01 / HTTP/1.1", None, None, None, None),
        (r"\n", None, None, None, None),
    ],
)
def test_request_lines(request_line, method, endpoint, query, protocol):
    """What is no HTTP request happened all the same: it is parsed, with nothing made up."""
    line = f'{FRONT} "{request_line}" 400 12 "-" "-"'
    expected = (method, endpoint, query, protocol, 400)
    assert fields(line, "method", "endpoint", "query", "protocol", "status") == expected


def test_a_request_that_timed_out_has_a_status_and_no_request():
    """408 with "-" is what servers write when a client connects and says nothing."""
    line = f'{FRONT} "-" 408 - "-" "-"'
    names = ("status", "bytes", "method", "endpoint", "protocol", "referer", "user_agent")
    assert fields(line, *names) == (408, None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("written", "user_agent"),
    [
        (r"a \"quoted\" agent", 'a "quoted" agent'),
        (r"back\\slash", "back\\slash"),
        (r"tab\tand\x20space", "tab\tand space"),
        (r"\xc3\xa9", "é"),
        (r"\xd0", r"\xd0"),
        (r"\x00", r"\x00"),
        (r"\u0009", "\t"),
        (r"\q", r"\q"),
        ("-", None),
        ("", None),
    ],
)
def test_escapes_of_the_server_are_undone(written, user_agent):
    """The user agent is what the client sent, not how the server wrote it down."""
    assert fields(f'{COMMON} "-" "{written}"', "user_agent") == (user_agent,)


def test_bytes_that_are_not_utf8_are_kept_as_servers_write_them():
    """A request with a Latin-1 path happened; a dead letter would hide it from the counts."""
    request = parse(f'{FRONT} "GET /caf\xe9 HTTP/1.1" 200 12 "-" "caf\xe9"'.encode("latin-1"))
    assert (request.endpoint, request.user_agent) == (r"/caf\xe9", r"caf\xe9")


@pytest.mark.parametrize(
    ("written", "ts"),
    [
        ("17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03Z"),
        ("01/Jan/2015:00:30:00 +0100", "2014-12-31T23:30:00Z"),
        ("29/Feb/2016:23:59:59 -0530", "2016-03-01T05:29:59Z"),
    ],
)
def test_time_is_utc_from_the_line(written, ts):
    """The zone is in the line; the clock of the worker is never asked."""
    assert fields(f"192.0.2.1 - - [{written}] {REQUEST} 200 12", "ts") == (ts,)


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("", Reason.EMPTY, "line is empty"),
        (" \r\n", Reason.EMPTY, "line is empty"),
        ("hello", Reason.UNPARSABLE, "client, ident and user is 'hello' at column 1; expected an address"),
        (f"{FRONT} ", Reason.UNPARSABLE, "request is missing at column 44"),
        (
            "192.0.2.1 - - [2015-05-17 10:05] x",
            Reason.UNPARSABLE,
            "time is '[2015-05-17 10:05] x' at column 15; expected a time as [17/May/2015:10:05:03 +0000]",
        ),
        (f"{FRONT} GET / 200", Reason.UNPARSABLE, "request is 'GET / 200' at column 44; expected a request"),
        (
            f"{FRONT} {REQUEST} 20 12",
            Reason.UNPARSABLE,
            "status is '20 12' at column 62; expected three digits",
        ),
        (f"{FRONT} {REQUEST} 200 many", Reason.UNPARSABLE, "bytes is 'many' at column 66; expected a whole"),
        (
            f'{COMMON} "-" "cut',
            Reason.UNPARSABLE,
            "user agent is ' \"cut' at column 72; expected a text in quotes",
        ),
        (
            f"{COMBINED} MISS",
            Reason.UNPARSABLE,
            "rest of the line is ' MISS' at column 98; expected nothing more, or DATAFLOW_ACCESS_LOG",
        ),
        (f"{COMBINED} 12 13", Reason.UNPARSABLE, "rest of the line is 12 and 13; expected one response time"),
        (f"{COMBINED} 423 0.1", Reason.UNPARSABLE, "rest of the line is 423 and 0.1; expected one response"),
        (f"{COMBINED} dead.beef", Reason.UNPARSABLE, "rest of the line is ' dead.beef'"),
        (COMMON + "\0", Reason.UNPARSABLE, "line has a NUL at column 68"),
        (COMBINED + "\n" + COMMON, Reason.UNPARSABLE, "rest of the line is '\\n192.0.2.1"),
    ],
)
def test_what_cannot_be_parsed_says_what_was_expected_where(line, reason, detail):
    """A dead letter is read by people."""
    error = refused(line)
    assert error.reason is reason
    assert detail in error.detail


@pytest.mark.parametrize(
    "time",
    [
        "32/May/2015:10:05:03 +0000",
        "29/Feb/2015:10:05:03 +0000",
        "17/Mai/2015:10:05:03 +0000",
        "17/May/2015:24:05:03 +0000",
        "17/May/2015:10:05:60 +0000",
        "17/May/2015:10:05:03 +9999",
        "01/Jan/0001:00:00:00 +0100",
        "17/May/2015:10:05:03 00000",
    ],
)
def test_an_impossible_time_is_a_dead_letter_and_not_now(time):
    """A wrong time would move the request into a window that it does not belong to."""
    error = refused(f"192.0.2.1 - - [{time}] {REQUEST} 200 12")
    assert error.reason is Reason.UNPARSABLE
    assert "17/May/2015:10:05:03 +0000" in error.detail


def test_the_sample_has_9999_requests_and_one_line_that_was_cut_off():
    """The cut may have taken more than the end of the user agent, so it is not guessed."""
    broken = []
    for line in SAMPLE:
        try:
            parse(line)
        except InvalidEvent as error:
            broken.append((line, error.detail))
    assert len(SAMPLE) == 10_000
    assert [(line.endswith(BROKEN.encode()), detail) for line, detail in broken] == [
        (
            True,
            f"user agent is {BROKEN[:40]!r} at column 110; expected a text in quotes",
        )
    ]


def test_a_protocol_in_small_letters_is_no_part_of_the_path():
    """A client may write it so; a path may end in what looks like one."""
    line = '192.0.2.9 - - [17/May/2015:10:05:03 +0000] "get /a%s" 400 5'
    for written, endpoint, protocol in ((" http/1.1", "/a", "http/1.1"), (" b/1", "/a b/1", None)):
        request = parse((line % written).encode())
        assert (request.endpoint, request.protocol) == (endpoint, protocol)


@pytest.mark.parametrize(
    ("written", "ts"),
    [
        ("17/May/2015:10:05:03", "2015-05-17T08:05:03Z"),
        ("17/May/2015:10:05:03.25", "2015-05-17T08:05:03.250Z"),
        ("2015-05-17T10:05:03", "2015-05-17T08:05:03Z"),
        ("2015-05-17 10:05:03,250", "2015-05-17T08:05:03.250Z"),
        ("17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03Z"),
        ("2015-05-17 10:05:03 +0100", "2015-05-17T09:05:03Z"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_the_settings(written, ts):
    """Daphne and others write no zone; the setting worked for named formats alone."""
    line = f'192.0.2.1 - - [{written}] {REQUEST} 200 12 "-" "Agent/1"'
    assert line_parser(None, "Europe/Berlin").parse(line.encode()).ts == ts


@pytest.mark.parametrize("written", ["17/May/2015:10:05:03", "2015-05-17 10:05:03"])
def test_a_time_without_a_zone_names_the_setting_that_is_missing(written):
    """The server's zone cannot be guessed."""
    with pytest.raises(InvalidEvent, match="DATAFLOW_ACCESS_LOG_ZONE"):
        line_parser(None).parse(f"192.0.2.1 - - [{written}] {REQUEST} 200 12".encode())
