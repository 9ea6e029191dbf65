"""Request site: status, country and host of a request as one key; and the host of the page that led to it."""

import re
from typing import Final

from dataflow.stages.datastream2.values import text_of

NO_VALUE: Final = "(none)"
NO_URL: Final = "(no URL)"
"""Stands for a referer that names no host: whoever asks may send what it likes."""

_PORT = re.compile(r"(?<=[^:]):[0-9]*\Z")
# A password may have an @ of its own; atomic, so that none of it is ever taken for the host.
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?+(\[[0-9a-f:.]+\]|[^/?#:@\s]+)", re.IGNORECASE)


def site_of(status: str, country: str | None, host: str | None) -> str:
    """Return a key such as `200 DE www.example.com`: tables can be asked for any of the three, together.

    Status and country are those of the tables that count by each; hosts are in small letters, without ports.
    """
    named = None if host is None else text_of(host)
    shown = NO_VALUE if named is None else _PORT.sub("", named.lower())
    return f"{_word(status)} {_word(country or NO_VALUE)} {shown}"


def referer_of(referer: str | None) -> str:
    """Return the host that a `Referer` names."""
    text = None if referer is None else text_of(referer)
    if text is None:
        return NO_VALUE
    found = _HOST.match(text)
    return NO_URL if found is None else found[1].lower()


def _word(text: str) -> str:
    return text.replace(" ", "_")
