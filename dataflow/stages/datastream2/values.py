"""Values: the texts of DataStream 2 in, what they mean out; of breadcrumbs one object a component."""

import re
from urllib.parse import unquote

import msgspec

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.event_time import utc_text_of_epoch

Value = str | int | float | None | msgspec.UnsetType
"""A value as it is sent; UNSET if it is not there."""

NO_VALUE = ("", "-", "^")


def text_of(value: str) -> str | None:
    r"""Return a text percent-decoded once; every form of *no value* is null.

    A bad ``%`` stays. Bytes that are not UTF-8 become ``\xHH``, as in an access log, and
    NUL stays ``%00``: hardly a database takes one in a text.
    """
    if value in NO_VALUE:
        return None
    return unquote(value, errors="backslashreplace").replace("\0", "%00") if "%" in value else value


def user_agent_text(value: str) -> str | None:
    """Return a user agent decoded; ``+`` is a space if the text has no other spaces.

    Most senders write ``%20`` and mean a plus by ``+``, as in ``+http://…/bot.html``.
    """
    if "+" in value and "%20" not in value and " " not in value:
        value = value.replace("+", " ")
    return text_of(value)


def endpoint_of(path: str) -> str | None:
    """Return a path decoded, without its query, with one leading slash; null for ``-`` and ``^``.

    Paths are sent without that slash, too: an empty one is the home page.
    """
    if path and path in NO_VALUE:
        return None
    return text_of("/" + path.partition("?")[0].lstrip("/"))


def time_of(seconds: Value) -> str | None:
    """Return epoch seconds as ``2022-02-22T22:29:47.280Z``, exact; null for *no value*.

    Raises `InvalidEvent` for what is no time, or one before 1971 or after the year 9999.
    """
    try:
        # The text of a float is the shortest that reads back as it: no digit is made up.
        return utc_text_of_epoch(seconds if isinstance(seconds, str) else str(seconds))
    except ValueError as error:
        if seconds is None or seconds in NO_VALUE:
            return None
        raise InvalidEvent(
            Reason.WRONG_TYPE, f"reqTimeSec is {str(seconds)[:40]!r}; expected epoch seconds of 1971 or later"
        ) from error


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
_PART = re.compile(r"([^=,]++)=([^=,]*+)")


def breadcrumbs_of(text: str) -> list[Crumb] | None:
    """Return the components that a request went through, as they are written; null for *no value*.

    Raises `InvalidEvent` for what is not of the form ``//BC/[a=…,c=g,k=0],[…]``.
    """
    if text in NO_VALUE:
        return None
    decoded = unquote(text, errors="backslashreplace")
    if not _CRUMBS(decoded):
        raise InvalidEvent(
            Reason.WRONG_TYPE, f"breadcrumbs is {text[:40]!r}; expected //BC/[a=address,c=component,…]"
        )
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
