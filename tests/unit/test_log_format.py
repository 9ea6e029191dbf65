"""Format strings: what stands in a server's configuration, and the lines that it writes."""

import json

import pytest

from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.access_log import line_parser, line_stage
from dataflow.stages.access_log.format_string import compile_format

COMBINED_LINE = (
    '192.0.2.1 - bob [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 12 '
    '"http://r.example/" "Agent \\"1\\""'
)
COMBINED_FIELDS = {
    "ip": "192.0.2.1",
    "ts": "2015-05-17T10:05:03Z",
    "user": "bob",
    "method": "GET",
    "endpoint": "/a",
    "query": "b",
    "protocol": "HTTP/1.1",
    "status": 200,
    "bytes": 12,
    "referer": "http://r.example/",
    "user_agent": 'Agent "1"',
}


def read(format_string: str, line: str) -> dict[str, object]:
    """Return the fields that have a value."""
    request = compile_format(format_string).parse(line.encode())
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(
    "format_string",
    [
        '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
        r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"",
        r'"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\""',
        r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined',
        '# usual\nLogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined\n',
        r"""LogFormat '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"' combined""",
        'LogFormat "%h %l %u %t \\\n\\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined',
        (
            r'CustomLog "|/usr/sbin/rotatelogs /log.%Y 86400" "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" '
            r'\"%{User-Agent}i\"" "expr=%{REQUEST_STATUS} >= 400"'
        ),
        (
            '$remote_addr - $remote_user [$time_local] "$request" '
            '$status $body_bytes_sent "$http_referer" "$http_user_agent"'
        ),
        """
        # as Apache's
        log_format combined '$remote_addr - $remote_user [$time_local] "$request" '
                            '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
        """,
        (
            'log_format main escape=default "${remote_addr} - $remote_user [$time_local] \\"$request\\" '
            '$status $body_bytes_sent \\"$http_referer\\" \\"$http_user_agent\\"";'
        ),
    ],
)
def test_a_format_is_taken_as_it_stands_in_the_configuration(format_string):
    """Bare, in quotes, or the whole statement with all its line breaks."""
    assert read(format_string, COMBINED_LINE) == COMBINED_FIELDS


@pytest.mark.parametrize(
    ("format_string", "line", "fields"),
    [
        (  # Debian's vhost_combined, with bytes that include the headers
            r"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"",
            f"www.example.com:443 {COMBINED_LINE}",
            COMBINED_FIELDS | {"host": "www.example.com"},
        ),
        (
            "%{X-Forwarded-For}i %t %U%q",
            "198.51.100.7, 192.0.2.1 [17/May/2015:10:05:03 +0000] /a?b=c",
            {"ip": "198.51.100.7", "ts": "2015-05-17T10:05:03Z", "endpoint": "/a", "query": "b=c"},
        ),
        (
            "%a (%{X-Forwarded-For}i) %t",
            "192.0.2.1 (198.51.100.7) [17/May/2015:10:05:03 +0000]",
            {"ip": "192.0.2.1", "ts": "2015-05-17T10:05:03Z"},
        ),
        (
            "%{c}a %a %t",
            "198.51.100.7 192.0.2.1 [17/May/2015:10:05:03 +0000]",
            {"ip": "192.0.2.1", "ts": "2015-05-17T10:05:03Z"},
        ),
        (
            "%t %D",
            "[17/May/2015:10:05:03 +0000] 1500",
            {"ts": "2015-05-17T10:05:03Z", "response_time_ms": 1.5},
        ),
        ("%t %T", "[17/May/2015:10:05:03 +0000] 2", {"ts": "2015-05-17T10:05:03Z", "response_time_ms": 2000}),
        (
            "%t %T %D %{ms}T",
            "[17/May/2015:10:05:03 +0000] 1 1500000 1500",
            {"ts": "2015-05-17T10:05:03Z", "response_time_ms": 1500},
        ),
        (
            "[%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] %m %H",
            "[17/May/2015 12:05:03.123 +0200] GET HTTP/1.1",
            {"ts": "2015-05-17T10:05:03.123Z", "method": "GET", "protocol": "HTTP/1.1"},
        ),
        ("%{sec}t %s", "1431857103 204", {"ts": "2015-05-17T10:05:03.000Z", "status": 204}),
        ("%{msec}t %s", "1431857103606 -", {"ts": "2015-05-17T10:05:03.606Z"}),
        ("%{begin:usec}t%%", "1431857103606007%", {"ts": "2015-05-17T10:05:03.606Z"}),
        (
            "$msec $host $uri$is_args$args $bytes_sent $upstream_addr",
            "1431857103.606 a.example:80 /a?b 7 192.0.2.1:80, 192.0.2.2:80 : 192.0.2.3:80",
            {
                "ts": "2015-05-17T10:05:03.606Z",
                "host": "a.example",
                "endpoint": "/a",
                "query": "b",
                "bytes": 7,
            },
        ),
        (
            '$time_iso8601 $server_name $http_host "$request_uri" $request_time $pipe $request_id',
            '2015-05-17T12:05:03+02:00 _ a.example "/a b?c" 0.012 . 5ca1ab1e',
            {
                "ts": "2015-05-17T10:05:03Z",
                "host": "a.example",
                "endpoint": "/a b",
                "query": "c",
                "response_time_ms": 12,
            },
        ),
        (
            'log_format json escape=json \'{"t":"$time_iso8601","ua":"$http_user_agent","s":$status}\';',
            r'{"t":"2015-05-17T10:05:03+00:00","ua":"a \"b\" \u0009c","s":200}',
            {"ts": "2015-05-17T10:05:03Z", "user_agent": 'a "b" \tc', "status": 200},
        ),
        (
            "log_format raw escape=none '[$time_local] \"$http_user_agent\" $status';",
            r'[17/May/2015:10:05:03 +0000] "a "b\c" 200',
            {"ts": "2015-05-17T10:05:03Z", "user_agent": 'a "b\\c', "status": 200},
        ),
        (
            "$remote_addr:$remote_port [$time_local] $http_x_real_ip",
            "2001:db8::1:4711 [17/May/2015:10:05:03 +0000] -",
            {"ip": "2001:db8::1", "ts": "2015-05-17T10:05:03Z"},
        ),
    ],
)
def test_directives(format_string, line, fields):
    """Each gives what it gives in the server's manual; the surer of two wins."""
    assert read(format_string, line) == fields


@pytest.mark.parametrize(
    ("format_string", "message"),
    [
        ("%h %y %t", "log format has '%y' at column 4; expected a directive of Apache's mod_log_config"),
        ("%h %D%>s %t", "log format can match no line: in '192.0.2.1 200200 ["),
        ("%h %b%D %t", "log format has '%b', which reads '200200'"),
        ("%h %t\n%r", "log format writes more than one line"),
        ("%h %t %", "'%' at column 7"),
        ("%{hours}T %t", "'%{hours}T' at column 1"),
        ("%{%d/%b/%Y %Q}t %h", "'%{%d/%b/%Y %Q}t' at column 1"),
        ("%h %{%d/%b/%Y:%T}t", "has a time as '%d/%b/%Y:%H:%M:%S'; expected its zone with it, as %z"),
        ("$remote_addr [$time_local] $", "'$' at column 28"),
        ("%h %u", "log format has no time; expected %t, $time_local, $time_iso8601 or $msec"),
        ("$remote_addr $status", "log format has no time"),
        ("%t %u%l", "log format has '%u%l'; expected a text between them"),
        ("combined", "log format is 'combined'; expected Apache's %directives or nginx's $variables"),
        ("", "log format is ''"),
        ("CustomLog logs/a.%Y combined", "is 'CustomLog logs/a.%Y combined'; expected one statement, as"),
        ('LogFormat "%h %t" a\nLogFormat "%t" b', "expected one statement, as"),
        ('log_format own "";', "log format has no time"),
    ],
)
def test_a_format_that_cannot_be_used_is_refused_with_the_directive_at_fault(format_string, message):
    """At start, by the one who wrote it; not line by line in the dead letters."""
    with pytest.raises(Misconfigured) as caught:
        line_stage(format_string, None, None)
    assert message in str(caught.value)


TIME = "17/May/2015:10:05:03 +0000"
AT = "2015-05-17T10:05:03Z"


@pytest.mark.parametrize(
    ("format_string", "line", "fields"),
    [
        (
            "log_format x 'time:$time_local\\thost:$remote_addr'  # when\n  '\\tua:$http_user_agent';",
            f"time:{TIME}\thost:192.0.2.1\tua:a b",
            {"ip": "192.0.2.1", "ts": AT, "user_agent": "a b"},
        ),
        ("log_format x $remote_addr' '[$time_local];", f"192.0.2.1 [{TIME}]", {"ip": "192.0.2.1", "ts": AT}),
        (
            "%h %t %{SSL_PROTOCOL}x %^FB %{forensic-id}n %>s",
            f"192.0.2.1 [{TIME}] TLSv1.3 - abc 200",
            {"ip": "192.0.2.1", "ts": AT, "status": 200},
        ),
        (
            "%h %u %t %r %>s",
            f"192.0.2.1 a b [{TIME}] GET /a b HTTP/1.1 200",
            {
                "ip": "192.0.2.1",
                "user": "a b",
                "ts": AT,
                "method": "GET",
                "endpoint": "/a b",
                "protocol": "HTTP/1.1",
                "status": 200,
            },
        ),
        (
            '"$http_x_forwarded_for" [$time_local] $status',
            f'"192.0.2.1" [{TIME}] 200',
            {"ip": "192.0.2.1", "ts": AT, "status": 200},
        ),
        ("%h %{%s}t", "192.0.2.1 1431857103", {"ip": "192.0.2.1", "ts": "2015-05-17T10:05:03.000Z"}),
        ("%h %{sec}t.%{msec_frac}t", "192.0.2.1 1431857103.6", {"ip": "192.0.2.1", "ts": AT[:-1] + ".600Z"}),
        ("%h %t %{usec_frac}t", f"192.0.2.1 [{TIME}] 606007", {"ip": "192.0.2.1", "ts": AT[:-1] + ".606Z"}),
        ("[$time_local] $msec", f"[{TIME}] 1431857103.606", {"ts": AT[:-1] + ".606Z"}),
        (
            "$time_iso8601 $status",
            "2015-05-17T12:05:03.6+02:00 200",
            {"ts": AT[:-1] + ".600Z", "status": 200},
        ),
        ("%t %>s", "[17/May/2015:10:05:03.606 +0000] 200", {"ts": AT[:-1] + ".606Z", "status": 200}),
        ("%t %>s %s", f"[{TIME}] 200 301", {"ts": AT, "status": 200}),
        (
            '[$time_local] "$request_method $scheme://$host$request_uri $server_protocol" $status',
            f'[{TIME}] "GET https://www.example.com/a?b HTTP/2.0" 200',
            {
                "host": "www.example.com",
                "ts": AT,
                "method": "GET",
                "endpoint": "/a",
                "query": "b",
                "protocol": "HTTP/2.0",
                "status": 200,
            },
        ),
        (
            "%t %{Host}i%U%q",
            f"[{TIME}] a.example:8443/b?c",
            {"host": "a.example", "ts": AT, "endpoint": "/b", "query": "c"},
        ),
        (
            "%{client}a - %u %t %s %O",
            f"192.0.2.1 - - [{TIME}] 200 5",
            {"ip": "192.0.2.1", "ts": AT, "status": 200, "bytes": 5},
        ),
        ("%t %s %S %I", f"[{TIME}] 200 0A1B2C.node1 http-nio-8080-exec-1", {"ts": AT, "status": 200}),
        (
            '%(h)s %(l)s %(u)s %(t)s "%(m)s %(U)s?%(q)s %(H)s" %(s)s %(b)s "%(f)s" "%(a)s" %(M)s %(p)s',
            f"{COMBINED_LINE} 250 <7>",
            COMBINED_FIELDS | {"response_time_ms": 250},
        ),
        ("%(t)s %(D)s %(T)s", f"[{TIME}] 1500 0", {"ts": AT, "response_time_ms": 1.5}),
        ("%(t)s %({Host}i)s", f"[{TIME}] a.example:80", {"ts": AT, "host": "a.example"}),
        ("%(t)s %(L)s", f"[{TIME}] 0.0015", {"ts": AT, "response_time_ms": 1.5}),
        (
            "[$time_local] $uri$is_args$args $status",
            f"[{TIME}] /a- 200",
            {"ts": AT, "endpoint": "/a", "status": 200},
        ),
        (
            "[$time_local] $uri$is_args$args $status",
            f"[{TIME}] /a?b=- 200",
            {"ts": AT, "endpoint": "/a", "query": "b=-", "status": 200},
        ),
        (
            "log_format x escape=none '[$time_local] $uri$is_args$args $status';",
            f"[{TIME}] /a- 200",
            {"ts": AT, "endpoint": "/a-", "status": 200},
        ),
        ("%t %s", f"[{TIME}] 301", {"ts": AT, "status": 301}),
        (
            "%{X-Forwarded-For}i %l %u %t",
            f"198.51.100.7, 10.0.0.1,10.0.0.2 - a b [{TIME}]",
            {"ip": "198.51.100.7", "user": "a b", "ts": AT},
        ),
        ("%{X-Real-IP}i %{c}a %t", f"198.51.100.7 10.0.0.1 [{TIME}]", {"ip": "198.51.100.7", "ts": AT}),
        ("%{X-Real-IP}i %a %t", f"198.51.100.7 192.0.2.1 [{TIME}]", {"ip": "192.0.2.1", "ts": AT}),
        ("%{CF-Connecting-IP}i %t", f"<script> [{TIME}]", {"ts": AT}),
        (
            "$http_x_real_ip $realip_remote_addr [$time_local]",
            f"198.51.100.7 10.0.0.1 [{TIME}]",
            {"ip": "198.51.100.7", "ts": AT},
        ),
        (
            "$proxy_protocol_addr $remote_addr [$time_local]",
            f"198.51.100.7 10.0.0.1 [{TIME}]",
            {"ip": "198.51.100.7", "ts": AT},
        ),
        (
            "$proxy_protocol_addr $remote_addr [$time_local]",
            f" 192.0.2.1 [{TIME}]",
            {"ip": "192.0.2.1", "ts": AT},
        ),
        (r"%u %t", rf"DOMAIN\bob [{TIME}]", {"user": r"DOMAIN\bob", "ts": AT}),
        (r"%u %t", rf"DOMAIN\\bob [{TIME}]", {"user": r"DOMAIN\bob", "ts": AT}),
        (r"%u %t", rf"b\x6Fb [{TIME}]", {"user": "bob", "ts": AT}),
        ("%h %t %>s", f"192.0.2.1  [{TIME}]  200 ", {"ip": "192.0.2.1", "ts": AT, "status": 200}),
    ],
)
def test_formats_as_their_servers_read_them(format_string, line, fields):
    """Escapes, comments, several strings; extensions of Apache; the finest time of a line counts."""
    assert read(format_string, line) == fields


def test_variables_that_nginx_does_not_have_are_fields_of_their_own():
    """A map or a module defines them. One that is named as a field of ours does not replace that."""
    stage = line_stage('$remote_addr "$tenant" "$country" [$time_local]', None, None)
    [out] = stage(f'192.0.2.1 "a \\x22b\\x22" "SE" [{TIME}]'.encode())
    entry = json.loads(out)
    assert (entry["tenant"], entry["country"], entry["sent_country"]) == ('a "b"', None, "SE")


def test_a_setting_names_the_zone_of_times_without_one():
    """It is never guessed; in summer it is another one."""
    parser = compile_format("%h %{%Y-%m-%d %H:%M:%S}t", "Europe/Berlin")
    assert parser.parse(b"192.0.2.1 2015-05-17 12:05:03").ts == AT


def test_a_line_of_another_format_says_which_directive_found_what():
    """The one who reads the dead letter has the format before their eyes."""
    stage = line_stage('%h %l %u %t "%r" %>s %b', None, None)
    with pytest.raises(InvalidEvent) as caught:
        stage(b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" OK 12')
    assert caught.value.detail == "%>s is 'OK 12' at column 61; expected three digits"


STATED = {
    "%h %l %u %t": f"192.0.2.1 - bob [{TIME}]",
    "$http_x_forwarded_for - $remote_user [$time_local]": f"192.0.2.1 - bob [{TIME}]",
    "$host $remote_addr - $remote_user [$time_local]": f"www.example.com 192.0.2.1 - bob [{TIME}]",
    "[$time_local] $remote_addr $remote_user": f"[{TIME}] 192.0.2.1 bob",
    'log_format j escape=json \'{"a":"$remote_addr","t":"$time_local","u":"$remote_user"}\';': json.dumps(
        {"a": "192.0.2.1", "t": TIME, "u": "bob"}, separators=(",", ":")
    ),
}


@pytest.mark.parametrize("format_string", STATED)
@pytest.mark.parametrize(
    ("prefix", "host", "time"),
    [
        ("Feb 17 11:48:51 web1 httpd: ", "web1", "Feb 17 11:48:51"),
        ("2020-02-07T11:48:51.123456789Z stdout F ", None, "2020-02-07T11:48:51.123456789Z"),
        ("1web-1  | ", "1web-1", None),
        ("2020-02-07T11:48:51Z stdout F Feb 17 11:48:51 web1 httpd: ", "web1", "Feb 17 11:48:51"),
    ],
)
def test_a_collector_may_have_wrapped_the_line_of_a_stated_format(format_string, prefix, host, time):
    """Its prefix became the client, the host or the user, or killed the line."""
    stage = line_stage(format_string, None, None)
    [out] = stage(f"{prefix}{STATED[format_string]}".encode())
    entry = json.loads(out)
    assert (entry["ip"], entry["user"], entry["ts"]) == ("192.0.2.1", "bob", AT)
    assert (entry["log_host"], entry["log_time"]) == (host, time)
    assert entry["host"] == ("www.example.com" if "$host" in format_string else host)


def test_what_looks_like_a_prefix_may_be_the_first_column():
    """The format says so."""
    line = f"web-1  | 192.0.2.1 [{TIME}]"
    assert read("$http_x_tag  | $remote_addr [$time_local]", line) == {"ip": "192.0.2.1", "ts": AT}


@pytest.mark.parametrize("prefix", ["Feb 17 11:48:51 web1 httpd[7]: ", "2020-02-07T11:48:51Z stdout F "])
@pytest.mark.parametrize(
    ("format_string", "line"),
    [
        ("%{X-Forwarded-For}i %l %u %t", f"- - - [{TIME}]"),
        ("$http_x_tag  | $remote_user [$time_local]", f"web-1  | - [{TIME}]"),
    ],
)
def test_a_wrapped_line_without_a_client_has_none(prefix, format_string, line):
    """Whom no proxy has forwarded was the client `Feb`, with the user `11:48:51 web1 httpd[7]: - - -`.

    Also where the line in the wrapping looks as if it was one more.
    """
    [out] = line_stage(format_string, None, None)(f"{prefix}{line}".encode())
    entry = json.loads(out)
    assert [entry[name] for name in ("ip", "ident", "user", "ts")] == [None, None, None, AT]
    assert prefix.startswith(entry["log_time"])


@pytest.mark.parametrize("prefix", ["", "Feb 17 11:48:51 web1 httpd[7]: "])
def test_only_fields_of_lines_that_live_are_counted_as_unreadable(prefix):
    """A dead line is told as a whole; its field was counted for each try to read it."""
    parser = line_parser('$remote_addr [$time_local] "$http_x_forwarded_for"')
    with pytest.raises(InvalidEvent):
        parser.parse(f'{prefix}- [{TIME.replace("17", "99", 1)}] "<script>"'.encode())
    assert parser.unreadable == {}
    parser.parse(f'{prefix}- [{TIME}] "<script>"'.encode())
    assert parser.unreadable == {"ip": 1}


def test_a_part_of_a_line_is_none_of_a_stated_format():
    """Its rest is in another line."""
    with pytest.raises(InvalidEvent, match="line is a part"):
        read("%{X-Forwarded-For}i %l %u %t", f"2020-02-07T11:48:51Z stdout P 192.0.2.1 - - [{TIME}]")
