"""Values: the texts of DataStream 2 in, what they mean out; of breadcrumbs one object a component."""

import re
from urllib.parse import unquote

import msgspec

from dataflow.stages.access_log.clients import address_of
from dataflow.stages.event_time import utc_text_of_epoch

Value = str | int | float | None | msgspec.UnsetType
"""A value as it is sent; UNSET if it is not there."""

NO_VALUE = ("", "-", "^")
_MOST_DIGITS = 20  # of 64 bits, with a sign


def text_of(value: str) -> str | None:
    r"""Return a text percent-decoded once; every form of *no value* is null.

    A bad ``%`` stays. Bytes that are not UTF-8 become ``\xHH``, as in an access log, and
    NUL stays ``%00``: hardly a database takes one in a text.
    """
    if value in NO_VALUE:
        return None
    return unquote(value, errors="backslashreplace").replace("\0", "%00") if "%" in value else value


def client_of(value: str) -> str | None:
    """Return a client decoded, and an IPv6 address in its one form, as in an access log."""
    text = text_of(value)
    return (address_of(text) or text) if text is not None and ":" in text else text


def user_agent_text(value: str) -> str | None:
    """Return a user agent decoded; ``+`` is a space if the text has no other spaces.

    Most senders write ``%20`` and mean a plus by ``+``, as in ``+http://…/bot.html``.
    """
    if "+" in value and "%20" not in value and " " not in value:
        value = value.replace("+", " ")
    return text_of(value)


def endpoint_of(path: str) -> str | None:
    """Return a path decoded, without its query, with one leading slash; null for ``^``.

    Paths are sent without that slash, too: an empty one, and ``-`` in its place, is the home page.
    """
    if path == "^":
        return None
    if path == "-":
        return "/"
    return text_of("/" + path.partition("?")[0].lstrip("/"))


def time_of(seconds: Value) -> str | None:
    """Return epoch seconds as ``2022-02-22T22:29:47.280Z``, exact; null for what is no time.

    That is *no value*, too, and what lies before 1971 or after the year 9999.
    """
    try:
        # The text of a float is the shortest that reads back as it: no digit is made up.
        return utc_text_of_epoch(seconds if isinstance(seconds, str) else str(seconds))
    except ValueError:
        return None


def whole_number(text: str) -> int:
    """Return the whole number that a text begins with, up to a decimal point, as tables count it.

    ``1.5e3`` is 1500. Raises ValueError for anything else, and for more digits than 64 bits hold.
    """
    digits = text.partition(".")[0].strip() if "e" not in text.lower() else _written_out(text)
    if (digits[1:] if digits[:1] in ("+", "-") else digits).isdecimal() and len(digits) <= _MOST_DIGITS:
        number = int(digits)
        if -(2**63) <= number < 2**63:
            return number
    raise ValueError(text)


def text_of_number(value: str | float) -> str:
    """Return a number as the text that it is otherwise sent as: ``200.0`` is ``200``; a text is itself."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _written_out(text: str) -> str:
    try:
        return str(msgspec.convert(text.strip(), int, strict=False))  # as the decoder of most lines reads it
    except msgspec.ValidationError as error:
        raise ValueError(text) from error


def version_of(value: str) -> str | int | None:
    """Return a version as a number if it is a whole one, else as the text it is."""
    return int(value) if value.isdecimal() and len(value) < 10 else text_of(value)


Crumb = dict[str, str | int]

# Keys of a crumb, as Akamai names them. Others keep their letter.
_TEXTS = {"a": "ip", "b": "request_id", "n": "geo"}
_NUMBERS = {"k": "request_end_ms", "l": "turnaround_ms", "m": "dns_ms", "o": "asn"}
_COMPONENTS = {"g": "edge", "p": "peer", "c": "parent", "o": "origin", "w": "cloud_wrapper"}

_CRUMBS = re.compile(r"//BC/(?:\[[^\[\]]*+\],?)++").fullmatch
_CRUMB = re.compile(r"\[([^\[\]]*+)\]")
# Begun where a part begins, and nowhere inside: a long one without a sign would be tried from each letter.
_PART = re.compile(r"(?<![^=,])([^=,]++)=([^=,]*+)")


def breadcrumbs_of(text: str) -> list[Crumb] | None:
    """Return the components that a request went through, as they are written.

    Null for *no value*, and for what is not of the form ``//BC/[a=…,c=g,k=0],[…]``.
    """
    decoded = unquote(text, errors="backslashreplace")
    if not _CRUMBS(decoded):
        return None
    return [_crumb(parts) for parts in _CRUMB.findall(decoded)]


def _crumb(parts: str) -> Crumb:
    crumb: Crumb = {}
    for key, value in _PART.findall(parts):
        if key == "c":
            crumb["component"] = _COMPONENTS.get(value, value)
        elif key in _NUMBERS and value.isdecimal() and len(value) <= 18:
            crumb[_NUMBERS[key]] = int(value)
        elif value not in ("", "-"):
            crumb[_TEXTS.get(key, key)] = value
    return crumb
