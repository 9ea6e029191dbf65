"""Values: the texts that servers write into a line in, values or null out; a request line in, its parts."""

import re
from decimal import Decimal
from typing import NamedTuple

NO_VALUE = ("-", "")

# \xHH is how Apache and nginx write a byte; \u00HH is nginx with escape=json.
_ESCAPE = re.compile(r"((?:\\(?:x|u00)[0-9A-Fa-f]{2})++)|\\(.)", re.DOTALL)
_HEX_MARK = re.compile(r"\\(?:x|u00)")
_CHARACTERS = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "\\": "\\", "/": "/",
}  # fmt: skip
_ACCOUNT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*+\\(?!x[0-9A-Fa-f]{2}|u00)[A-Za-z][0-9A-Za-z._-]+")
# Early releases of ingress-nginx have the client, or X-Forwarded-For, once more in front of the name.
_AFTER_ADDRESSES = re.compile(r"\[(?:-|[0-9A-Fa-f]*+[.:][0-9A-Fa-f.:, ]*+)\] - (.*)", re.DOTALL)
# A second colon makes it an IPv6 address without brackets.
_PORT = re.compile(r"(\A[^:]*|\]):[0-9]*\Z")


def text_of(value: str) -> str | None:
    """Return a text as the client sent it, the server's escapes undone; ``-`` and nothing are null."""
    if value in NO_VALUE:
        return None
    return unescape(value) if "\\" in value else value


def user_of(text: str) -> str | None:
    r"""Return a user name; Apache logs an empty one as two quotation marks.

    IIS and others log an account of Windows as ``DOMAIN\bob``; its backslash is no escape.
    """
    if text[:1] == "[" and (match := _AFTER_ADDRESSES.fullmatch(text)):
        text = match[1]
    if "\\" in text and _ACCOUNT.fullmatch(text):
        return text
    return None if text == '""' else text_of(text)


def unescape(text: str) -> str:
    r"""Undo the escapes of Apache and nginx: ``\"``, ``\\``, ``\n``, ``\xHH``, ``\u00HH``.

    Bytes that are not UTF-8 stay written as ``\xHH``. So does NUL, which hardly a database takes in a text.
    """
    return _ESCAPE.sub(_unescape_one, text)


def _unescape_one(match: re.Match[str]) -> str:
    hexadecimal, character = match.groups()
    if hexadecimal is None:
        return _CHARACTERS.get(character, f"\\{character}")
    text = bytes.fromhex(_HEX_MARK.sub("", hexadecimal)).decode("utf-8", "backslashreplace")
    return text.replace("\0", r"\x00")


def number_of(value: str) -> int | None:
    """Return a whole number; ``-`` and nothing are null.

    For Apache's ``%b`` a ``-`` stands for no bytes; it is not told apart from *unknown*,
    and sums do not care.
    """
    return None if value in NO_VALUE else int(value)


def host_of(value: str) -> str | None:
    """Return a host name without the port behind it."""
    return text_of(_PORT.sub(r"\1", value))


def seconds_to_ms(value: str) -> float | None:
    """Return seconds with decimals in ms, whole if they are; ``-`` and nothing are null."""
    return None if value in NO_VALUE else _number(Decimal(value) * 1000)


def duration_to_ms(value: str) -> float:
    """Return a duration as Go writes it (``1m2.5s``, ``12.3µs``) in ms; raise ValueError for others."""
    parts = _PARTS_OF_DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError(value)
    return _number(sum((Decimal(number) * _UNIT_MS[unit] for number, unit in parts), Decimal(0)))


def microseconds_to_ms(value: str) -> float | None:
    """Return whole microseconds in ms, whole if they are; ``-`` and nothing are null."""
    return None if value in NO_VALUE else _number(Decimal(value) / 1000)


def _number(ms: Decimal) -> float:
    return int(ms) if ms == ms.to_integral_value() else float(ms)


_UNIT_MS = {
    "h": Decimal(3_600_000), "m": Decimal(60_000), "s": Decimal(1_000), "ms": Decimal(1),
    "us": Decimal("1e-3"), "µs": Decimal("1e-3"), "μs": Decimal("1e-3"), "ns": Decimal("1e-6"),
}  # fmt: skip
_PARTS_OF_DURATION = re.compile(r"([0-9]{1,9}+(?:\.[0-9]{1,9}+)?+)(ms|us|µs|μs|ns|h|m|s)")
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]*+")
_PROTOCOL = re.compile(r"(?:[A-Z]++|(?i:https?))/[0-9.]++")
_VERSION = re.compile(r"1\.[01]|[23](?:\.0)?")
"""Of HTTP without its name, as Hypercorn and Quart write it."""


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
    target, _, protocol = rest.rstrip(" ").rpartition(" ")
    if _VERSION.fullmatch(protocol) and target.startswith("/"):
        protocol = f"HTTP/{protocol}"
    elif not _PROTOCOL.fullmatch(protocol):
        target, protocol = rest, ""
    target = target.strip(" ")
    # Without a protocol only a path makes it a request: two stray words are none.
    if not target or not _METHOD.fullmatch(method) or not (protocol or target.startswith("/")):
        return NO_REQUEST
    return RequestLine(method, *target_parts(target), protocol or None)


def target_parts(target: str) -> tuple[str | None, str | None]:
    """Return endpoint and query of a request target."""
    endpoint, _, query = target.partition("?")
    return endpoint or None, query or None
