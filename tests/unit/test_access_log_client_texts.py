"""What clients write into an access log: arbitrary texts, which never change what the other fields are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InvalidEvent
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.lines import LoggedRequest
from dataflow.stages.access_log.usual_formats import UsualFormats, parse

TIME = "17/May/2015:10:05:03 +0000"
PLAIN = {
    "user": "bob",
    "path": "/a",
    "referer": "http://r.example/",
    "agent": "UA",
    "forwarded": "192.0.2.1",
    "host": "www.example",
    "cookie": "c=1",
}
FIELDS = {"user": "user", "path": "endpoint", "referer": "referer", "agent": "user_agent", "host": "host"}
"""The fields that hold them; X-Forwarded-For and cookies are beside the point."""

PIECES = [
    *"\"'\\[] ,-?:%.",
    "\t", "\x7f", "é", "$", "{", " - ", f"[{TIME}]", f' [{TIME}] "', '"GET / HTTP/1.1" 200 5',
    "192.0.2.77", "${jndi:ldap://x.example/a}", "<script>", '" "', "a=b; c", '\\"', "\\x22", " 200 5 ",
]  # fmt: skip
texts = (
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=6)
    .map(lambda pieces: "".join(pieces).replace("\0", ""))
    .filter(lambda text: text not in ("", "-", '""'))
)


def as_nginx(text: str) -> str:
    r"""Write a text as nginx does: quotes, backslashes, and what is no printable ASCII, as ``\xHH``."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
        for byte in text.encode("utf-8", "backslashreplace")
    )


def as_apache(text: str) -> str:
    r"""Write a text as Apache does: ``\"``, ``\\``, ``\n``, and other bytes as ``\xhh``."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\v": "\\v"}
    return "".join(
        escapes.get(chr(byte)) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
        for byte in text.encode("utf-8", "backslashreplace")
    )


HEADERS = '"{referer}" "{agent}" "{forwarded}" "{host}" "{cookie}"'
NGINX = compile_format(
    '$remote_addr - $remote_user [$time_local] "$request_method $request_uri $server_protocol" '
    '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" "$http_host" '
    '"$http_cookie" $request_time'
)
APACHE = compile_format(
    r"%h %l %u %t \"%m %U%q %H\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" "
    r"\"%{X-Forwarded-For}i\" \"%{Host}i\" \"%{Cookie}i\" %{ms}T"
)
BRACKETS = compile_format(
    '[$time_local] $status [Host $http_host] [User $remote_user] "$request" [Cookie $http_cookie] '
    '"$http_referer" "$http_user_agent" [For $http_x_forwarded_for] $request_time'
)
BEGIN = '192.0.2.1 - {user} [TIME] "GET {path} HTTP/1.1" 200 5 '
BRACKET_LINE = (
    '[TIME] 200 [Host {host}] [User {user}] "GET {path} HTTP/1.1" [Cookie {cookie}] '
    '"{referer}" "{agent}" [For {forwarded}] 0.250'
)
FORMATS = {
    "combined": (UsualFormats(), BEGIN + '"{referer}" "{agent}" 250 "{forwarded}"'),
    "nginx": (NGINX, f"{BEGIN}{HEADERS} 0.250"),
    "apache": (APACHE, f"{BEGIN}{HEADERS} 250"),
    "brackets": (BRACKETS, BRACKET_LINE),
}


def values(kind: str, **written: str) -> dict[str, object]:
    """Return the fields of a line in which a client has written this."""
    parser, line = FORMATS[kind]
    request = parser.parse(line.replace("TIME", TIME).format(**PLAIN | written).encode())
    return {name: getattr(request, name) for name in LoggedRequest.__struct_fields__}


@pytest.mark.parametrize("escape", [as_nginx, as_apache])
@pytest.mark.parametrize("kind", ["combined", "nginx", "apache"])
@given(field=st.sampled_from(list(PLAIN)), text=texts)
def test_what_a_client_writes_into_one_field_changes_no_other(kind, escape, field, text):
    """Who may choose a field of their own must not choose the status, the address or the time of a line."""
    if field == "path":
        text = "/" + text.replace(" ", "_").replace("?", "_")
    before, after = values(kind), values(kind, **{field: escape(text)})
    assert {name for name in before if after[name] != before[name]} <= {FIELDS.get(field)}


@given(
    field=st.sampled_from(["user", "host", "cookie", "forwarded", "agent"]),
    text=texts.filter(lambda text: "]" not in text),
)
def test_brackets_are_ends_as_well_as_quotes(field, text):
    """A format may have what a client sent in brackets: then it may hold anything but one."""
    before, after = values("brackets"), values("brackets", **{field: as_nginx(text)})
    assert {name for name in before if after[name] != before[name]} <= {FIELDS.get(field, "ip")}


@pytest.mark.parametrize(
    ("forwarded", "ip"),
    [
        ("${jndi:ldap://x.example/a}", None),
        ("<script>", None),
        ("198.51.100.7,  192.0.2.1", "198.51.100.7"),
        ("[2001:db8::7]:443, 192.0.2.1", "2001:db8::7"),
    ],
)
def test_a_forwarded_address_that_is_none_is_null_and_counted(forwarded, ip):
    """Anybody may write that header; the request happened."""
    parser = compile_format('"$http_x_forwarded_for" [$time_local] $status')
    request = parser.parse(f'"{forwarded}" [{TIME}] 200'.encode())
    assert (request.ip, request.status) == (ip, 200)
    assert dict(parser.unreadable) == ({} if ip else {"ip": 1})


def test_a_media_type_is_no_list_of_upstreams():
    """It holds a semicolon and a space."""
    parser = compile_format("[$time_local] $upstream_http_content_type $status")
    assert parser.parse(f"[{TIME}] text/html; charset=utf-8 200".encode()).status == 200


def test_times_that_cannot_be_milliseconds_are_told():
    """Apache's %D is microseconds; nobody waits a quarter of an hour for each page."""
    parser, line = FORMATS["combined"]
    written = line.replace("TIME", TIME).format(**PLAIN)
    for _ in range(100):
        parser.parse(written.encode())
    assert parser.fault is None
    for _ in range(100):
        parser.parse(written.replace(" 250 ", " 900000 ").encode())
    assert "DATAFLOW_ACCESS_LOG_FORMAT" in str(parser.fault)


@pytest.mark.parametrize(
    ("front", "ip", "host", "user"),
    [
        ("192.0.2.1 (203.0.113.5) - bob", "192.0.2.1", None, "bob"),
        ("192.0.2.1 (203.0.113.5, 2001:db8::1) - -", "192.0.2.1", None, None),
        ("192.0.2.1 (-) - bob", "192.0.2.1", None, "bob"),
        ('192.0.2.1 "203.0.113.5, 10.0.0.1" - bob', "192.0.2.1", None, "bob"),
        ("192.0.2.1 <203.0.113.5> - bob", "192.0.2.1", None, "bob"),
        ('"192.0.2.1, 10.0.0.1" - bob', "192.0.2.1", None, "bob"),
        ('"192.0.2.1" - b "c', "192.0.2.1", None, 'b "c'),
        ("www.example.com:443 192.0.2.1 (203.0.113.5) - bob", "192.0.2.1", "www.example.com", "bob"),
        ("192.0.2.1 - (203.0.113.5) - x", "192.0.2.1", None, "(203.0.113.5) - x"),
        ("192.0.2.1 - (203.0.113.5)", "192.0.2.1", None, "(203.0.113.5)"),
    ],
)
def test_addresses_in_parentheses_or_quotes_are_no_part_of_a_name(front, ip, host, user):
    """Apache's `%h (%{X-Forwarded-For}i) %l %u`: the user was `- bob`. What a client types stays its name."""
    request = parse(f'{front} [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"'.encode())
    assert (request.ip, request.host, request.ident, request.user) == (ip, host, None, user)


@pytest.mark.parametrize("front", ["10.0.0.2 www.example.com 192.0.2.1 - -", "www 10.0.0.2 192.0.2.1 - -"])
def test_a_server_its_host_and_a_client_are_refused(front):
    """Of two addresses in front of a user, the first was the client, and the second ident or user."""
    line = f'{front} [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5'
    with pytest.raises(InvalidEvent, match="client, ident and user are"):
        parse(line.encode())


@pytest.mark.parametrize(
    ("request_text", "endpoint", "protocol"),
    [
        ("GET /a 1.1", "/a", "HTTP/1.1"),
        ("GET /a 2", "/a", "HTTP/2"),
        ("GET /a%20b?c=d 3", "/a%20b", "HTTP/3"),
        ("GET /a 2 HTTP/1.1", "/a 2", "HTTP/1.1"),
        ("GET /a 7", "/a 7", None),
    ],
)
def test_a_version_alone_is_the_protocol(request_text, endpoint, protocol):
    """Hypercorn writes no `HTTP/` in front of it: it was a part of the path, and of the key of a table."""
    line = f'192.0.2.1:5 - - [17/May/2015:10:05:03 +0000] "{request_text}" 200 5 "-" "UA"'
    request = parse(line.encode())
    assert (request.method, request.endpoint, request.protocol) == ("GET", endpoint, protocol)
