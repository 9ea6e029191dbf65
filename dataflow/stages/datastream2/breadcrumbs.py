"""Breadcrumbs: the way of a request through the network in, one object a component out."""

import re
from urllib.parse import unquote

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.datastream2.values import NO_VALUE

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
