"""Request line: ``GET /a?b=c HTTP/1.1`` in, method, endpoint, query and protocol out."""

import re
from typing import NamedTuple

_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]*+")
_PROTOCOL = re.compile(r"[A-Z]++/[0-9.]++")


class RequestLine(NamedTuple):
    """The parts of a request line; null where it has none."""

    method: str | None
    endpoint: str | None
    """Target without its query, not decoded; may hold spaces. A full URL stays one."""
    query: str | None
    """What follows the first question mark; null if nothing does."""
    protocol: str | None
    """``HTTP/1.1``; null for HTTP/0.9, which names none."""


NO_REQUEST = RequestLine(None, None, None, None)
"""Nothing was asked (``-``, status 408), or what was sent is not HTTP (TLS to a plain port)."""


def request_line(text: str | None) -> RequestLine:
    """Return the parts of a request line, escapes undone before; `NO_REQUEST` if it is none."""
    method, _, rest = (text or "").partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not _PROTOCOL.fullmatch(protocol):
        target, protocol = rest, ""
    # Without a protocol only a path makes it a request: two stray words are none.
    if not target or not _METHOD.fullmatch(method) or not (protocol or target.startswith("/")):
        return NO_REQUEST
    return RequestLine(method, *target_parts(target), protocol or None)


def target_parts(target: str) -> tuple[str | None, str | None]:
    """Return endpoint and query of a request target."""
    endpoint, _, query = target.partition("?")
    return endpoint or None, query or None
