"""Gunicorn: the format string of its ``access_log_format`` in, the same as Apache writes it out."""

import re

_ATOM = re.compile(r"%\((?:(\{[^}]+\}[ieo])|([A-Za-z]))\)s")
_AS_APACHE = {
    "f": "%{Referer}i", "a": "%{User-Agent}i", "s": "%>s", "L": "%T", "M": "%{ms}T", "p": "%{process}n",
}  # fmt: skip


def as_apache(text: str) -> str:
    """Return a format string with Apache's directives for ``%(h)s`` and the like; any other as it is."""
    return _ATOM.sub(lambda atom: f"%{atom[1]}" if atom[1] else _AS_APACHE.get(atom[2], f"%{atom[2]}"), text)
