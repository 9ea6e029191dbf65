"""nginx: the format string of a ``log_format`` in, texts and directives in their order out."""

import re
from collections.abc import Sequence

from dataflow.errors import Misconfigured
from dataflow.stages.access_log import directives as d
from dataflow.stages.access_log.values import target_parts, text_of

_STATEMENT = re.compile(
    r"(?:\s|\#[^\n]*\n)*+log_format\s+[^\s'\"]+(?:\s+escape=(default|json|none))?(?=[\s'\"])\s*"
)
_TOKEN = re.compile(
    r"""(?:\s|\#[^\n]*)*+(?:(;)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s;'"{}\#]+))(?:\s|\#[^\n]*)*+""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\([tnr'\"\\])")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r"}
_VARIABLE = re.compile(
    r"\$(?:uri|document_uri)\$is_args\$(?:args|query_string)|\$\{(\w+)\}|\$(\w+)|\$", re.ASCII
)

_KEPT = {
    "remote_addr": d.CLIENT, "the_real_ip": d.CLIENT, "http_x_forwarded_for": d.FORWARDED,
    "proxy_add_x_forwarded_for": d.FORWARDED, "http_x_real_ip": d.FORWARDED,
    "http_x_client_ip": d.FORWARDED, "http_cf_connecting_ip": d.FORWARDED,
    "http_true_client_ip": d.FORWARDED, "http_fastly_client_ip": d.FORWARDED,
    "proxy_protocol_addr": d.PROXIED, "realip_remote_addr": d.PROXY, "remote_user": d.USER,
    "time_local": d.TIME, "time_iso8601": d.ISO_TIME, "msec": d.EPOCH,
    "request": d.REQUEST, "request_method": d.METHOD, "request_uri": d.TARGET,
    "uri": d.PATH, "document_uri": d.PATH, "args": d.QUERY, "query_string": d.QUERY,
    "server_protocol": d.PROTOCOL, "status": d.STATUS, "body_bytes_sent": d.BYTES,
    "bytes_sent": d.BYTES_WITH_HEADERS, "http_referer": d.REFERER,
    "http_user_agent": d.USER_AGENT, "host": d.HOST, "http_host": d.HOST,
    "server_name": d.SERVER_NAME, "request_time": d.SECONDS,
}  # fmt: skip
_DIGITS = frozenset(
    {
        "connection", "connection_requests", "content_length", "pid", "proxy_port",
        "proxy_protocol_port", "proxy_protocol_server_port", "realip_remote_port", "remote_port",
        "request_length", "server_port",
    }
)  # fmt: skip
_SKIPPED = frozenset(
    {
        "ancient_browser", "binary_remote_addr", "connection_time", "connections_active",
        "connections_reading", "connections_waiting", "connections_writing", "content_type",
        "date_gmt", "date_local", "document_root", "fastcgi_path_info", "fastcgi_script_name",
        "gzip_ratio", "hostname", "http2", "http3", "https", "invalid_referer", "is_args",
        "limit_rate", "memcached_key", "modern_browser", "msie", "nginx_version", "pipe",
        "proxy_host", "quic", "realpath_root", "request_body",
        "request_body_file", "request_completion", "request_filename", "request_id", "scheme",
        "server_addr", "session_log_id", "slice_range",
    }
)  # fmt: skip
_FAMILIES = (
    "http_", "sent_http_", "sent_trailer_", "cookie_", "arg_", "geoip_", "jwt_", "limit_conn_",
    "limit_req_", "otel_", "proxy_protocol_", "secure_link", "ssl_", "tcpinfo_", "uid_",
)  # fmt: skip

_UPSTREAM_TEXTS = ("upstream_http_", "upstream_trailer_", "upstream_cookie_")
"""Headers of one answer, which may hold commas and colons; other values of upstreams are lists."""


def is_nginx(text: str) -> bool:
    """Return whether a text is a ``log_format`` statement or holds a variable."""
    return _STATEMENT.match(text) is not None or re.search(r"\$\{?[a-z]", text) is not None


def nginx_parts(text: str) -> tuple[list[d.Part], bool]:
    """Return the parts of a format string, bare or as the whole statement, and if it escapes.

    A variable that is none of nginx's own becomes a text under its own name. Raises `Misconfigured` for a
    ``$`` without a name.
    """
    statement = _STATEMENT.match(text)
    text = _joined(text[statement.end() :] if statement else text, is_statement=statement is not None)
    parts: list[d.Part] = []
    at = 0
    target = d.TARGET if statement and statement[1] in ("json", "none") else _TARGET
    for match in _VARIABLE.finditer(text):
        parts += text[at : match.start()], (match[0], _directive(match, target))
        at = match.end()
    return [*parts, text[at:]], statement is None or statement[1] != "none"


def _joined(text: str, *, is_statement: bool) -> str:
    """Return the strings of a statement as one, as nginx reads its configuration.

    A text that is not all in quotes, and no statement, is a bare format.
    """
    strings, at = [], 0
    while match := _TOKEN.match(text, at):
        if match[4] and not is_statement:
            break
        at = match.end()
        if match[1]:
            break
        strings.append(_unescaped(match[2] or match[3] or match[4] or ""))
    if at == len(text) and strings:
        return "".join(strings)
    if is_statement:
        raise Misconfigured(f"log format has {text[at : at + 20]!r} at its end; expected quotes, and then ;")
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text)


def _target(text: str) -> Sequence[d.Value]:
    """Read a path with its query; without a query nginx writes its ``-`` for *no value* there."""
    return target_parts(text_of(text.removesuffix("-") if "?" not in text else text) or "")


_TARGET = d.TARGET._replace(split=_target)


def _directive(match: re.Match[str], target: d.Directive) -> d.Directive:
    name = match[1] or match[2]
    if name is None:
        if len(match[0]) > 1:
            return target
        raise Misconfigured(
            f"log format has {match[0]!r} at column {match.start() + 1}; expected a variable's name behind it"
        )
    if name.startswith(_UPSTREAM_TEXTS) or name in _SKIPPED:
        return d.SKIPPED
    if name.startswith("upstream_"):
        return d.SKIPPED_LIST
    if name in _DIGITS:
        return d.SKIPPED_DIGITS
    known = _KEPT.get(name) or (d.SKIPPED if name.startswith(_FAMILIES) else None)
    return known or d.kept_as(name)
