"""Lines of logs: parsed by every format, and what is made of their fields."""

from walks.walk import Walk, of_text, repeated, some, tolerant

from dataflow.stages.access_log import line_parser
from dataflow.stages.access_log.clients import address_of, host_name_of
from dataflow.stages.access_log.json_format import json_object
from dataflow.stages.access_log.named import format_files
from dataflow.stages.access_log.times import epoch_time, formatted_time, iso_time
from dataflow.stages.access_log.urls import host_before_path
from dataflow.stages.access_log.values import duration_to_ms, host_of, request_line, unescape
from dataflow.stages.datastream2.typed import parse_datastream2
from dataflow.stages.datastream2.values import breadcrumbs_of
from dataflow.stages.request_site import referer_of, site_of
from dataflow.stages.user_agent import user_agent_of

FIRST = b'1.1.1.1 - - [17/May/2015:10:05:03 +0000] "'
TIME = b"[17/May/2015:10:05:03 +0000] "
ALB = (
    b"https 2018-07-02T22:23:00.186641Z app/a/1 192.0.2.131:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "
    b'"GET http://'
)
HAPROXY = b"192.0.2.9:50012 [17/May/2015:10:05:03.006] a b/c 0/0/1/4/5 200 2 - - ---- 1/1/0/0/0 0/0 "
_cloudflare = format_files()["cloudflare"].examples[0].line.encode().split(b"a?b=c", 1)
_auto = line_parser(None)
_parse = _auto.parse
_parse_each = [line_parser(name).parse for name in format_files()]
_parse_stated = line_parser('%v:%p %h  %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"').parse


def by_every_format(raw: bytes) -> None:
    """Parse a line by each of the named formats."""
    for parse in (_parse_stated, *_parse_each):
        tolerant(parse)(raw)


LINES = {
    "a long word": repeated(b"a"),
    "spaces": repeated(b" "),
    "spaces behind a line": repeated(b" ", FIRST + b'GET / HTTP/1.1" 200 1', b"x"),
    "names of columns": repeated(b" a", b"#Fields: date time"),
    "a front without an end": repeated(b"a ", b"", b"["),
    "times": repeated(TIME, b"1.1.1.1 - - ", b'"GET / HTTP/1.1" 200 1'),
    "addresses": repeated(b"1.1.1.1, ", b"", b"- " + TIME + b'"'),
    "addresses before": repeated(b"1.1.1.1, ", b"", b"a 1.1.1.1 - - " + TIME + b'"GET / HTTP/1.1" 200 1'),
    "addresses behind": repeated(b"1.1.1.1, ", FIRST + b'GET / HTTP/1.1" 200 1 "-" "-" ', b"x"),
    "addresses in brackets": repeated(
        b"1.1.1.1, ", b"1.1.1.1 (", b") - - " + TIME + b'"GET / HTTP/1.1" 200 1'
    ),
    "a user behind a host": repeated(b"1 ", b"1.1.1.1 a.b ", TIME + b'"GET / HTTP/1.1" 200 1'),
    "categories": repeated(b'"category":1,', b'{"resourceId":1,', b'"b":1}'),
    "backslashes": repeated(b"\\", FIRST),
    "escapes": repeated(b"\\x41", FIRST, b'" 200 1'),
    "quotes": repeated(b'" ', FIRST),
    "structured data": repeated(b'[a b="\\""]', b"<1>1 - h a b c "),
    "colours": repeated(b"\x1b[1m"),
    "a request in colours": repeated(b"\x1b[1m", b'192.0.2.1 - - [17/May/2023 10:05:03] "', b'" 200 -'),
    "a collector's bytes": repeated(b"65,", b'{"MESSAGE":[', b"65]}"),
    "braces": repeated(b'{"a":'),
    "keys": repeated(b'"a":1,', b"{", b'"b":1}'),
    "halves of characters": repeated(b"\\ud800", b'{"a":"', b'"}'),
    "a URL": repeated(b"a", ALB, b'?\\x0a HTTP/1.1" "curl/8.5.0" - -'),
    "a port": repeated(b"1", ALB + b"a:", b'?\\x0a HTTP/1.1" "curl/8.5.0" - -'),
    "codes of HAProxy": repeated(b"#41", HAPROXY + b'"GET /', b' HTTP/1.1"'),
    "captured by HAProxy": repeated(b"|a", HAPROXY + b"{", b'} "GET / HTTP/1.1"'),
    "a target in an object": repeated(b"a", *_cloudflare),
    "two times": repeated(b"a", FIRST, b'" 200 1 "-" "-" 0.1 "-" 0.2'),
    "a line in quotes": repeated(b'""', b'"1.1.1.1 - - ' + TIME, b'"'),
    "a pod": repeated(b"a-", b"", b" nginx x"),
    "blanks in quotes": repeated(b'"" ', b"2015-05-17 10:05:03 "),
}
FIELDS = {
    "a crumb without a sign": repeated(b"a", b"//BC/[", b"]"),
    "crumbs": repeated(b"[a=1],", b"//BC/"),
    "passwords without an end": repeated(b"a@", b"http://", b":"),
    "colons": repeated(b":"),
    "brackets and ports": repeated(b"]:1"),
    "percents": repeated(b"%41"),
    "digits": repeated(b"1"),
    "fractions": repeated(b":11:11.1"),
    "labels": repeated(b"a."),
    "durations": repeated(b"1m"),
    "escapes": repeated(b"\\x41"),
    "a long word": repeated(b"A"),
}
LOG_LINES = {
    "access log": Walk(tolerant(_parse), LINES),
    "formats": Walk(by_every_format, some(LINES, "a long word", "spaces", "quotes")),
    "explained": Walk(of_text(_auto.explain), some(LINES, "a long word", "spaces", "quotes", "a URL")),
    "object": Walk(of_text(json_object), some(LINES, "braces", "keys", "halves of characters")),
    "CDN line": Walk(
        tolerant(parse_datastream2),
        {
            "crumbs": repeated(b"[a=1],", b'{"breadcrumbs":"//BC/', b'"}'),
            "a time": repeated(b"1", b'{"reqTimeSec":"', b'"}'),
            "percents": repeated(b"%41", b'{"reqPath":"', b'"}'),
            "unknown fields": repeated(b'"a":1,', b"{", b'"b":1}'),
        },
    ),
    "breadcrumbs": Walk(of_text(breadcrumbs_of), some(FIELDS, "a crumb without a sign", "crumbs")),
    "referer": Walk(of_text(referer_of), some(FIELDS, "passwords without an end", "a long word")),
    "site": Walk(
        of_text(lambda text: site_of("200", None, text)),
        some(FIELDS, "colons", "brackets and ports", "percents"),
    ),
    "address": Walk(of_text(address_of), some(FIELDS, "colons", "brackets and ports", "digits")),
    "host name": Walk(of_text(host_name_of), some(FIELDS, "labels", "digits", "colons")),
    "host": Walk(of_text(host_of), some(FIELDS, "brackets and ports", "colons")),
    "host before a path": Walk(
        of_text(host_before_path), some(FIELDS, "labels", "colons", "brackets and ports")
    ),
    "escapes": Walk(of_text(unescape), some(FIELDS, "escapes")),
    "request line": Walk(of_text(request_line), some(FIELDS, "a long word", "labels")),
    "ISO time": Walk(of_text(iso_time), some(FIELDS, "digits", "fractions")),
    "epoch time": Walk(of_text(epoch_time), some(FIELDS, "digits", "fractions")),
    "time of a format": Walk(
        of_text(lambda text: formatted_time("%H:%M:%S", None, text)), some(FIELDS, "digits", "fractions")
    ),
    "duration": Walk(of_text(duration_to_ms), some(FIELDS, "durations")),
    "user agent": Walk(of_text(user_agent_of), some(FIELDS, "a long word", "labels")),
}
