"""Request kind: method, cache status and sort of client of a request, as one key of few values."""

from typing import Final

UNKNOWN: Final = "-"
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))
_CACHE_STATUSES: Final = {"0": "miss", "1": "hit"}
_NO_VALUE: Final = frozenset(("", "-", "^"))


def kind_of(method: str | None, client: str, cache_status: str | None = None) -> str:
    """Return a key such as `GET hit person`; `-` stands for what a line does not say.

    Methods that no standard knows are `other`: a scanner makes up as many as it likes. Cache statuses
    are those of DataStream 2: 1 for a hit, 0 for a miss.
    """
    known = UNKNOWN if method is None or method in _NO_VALUE else method if method in _METHODS else "other"
    return f"{known} {_CACHE_STATUSES.get(cache_status or '', UNKNOWN)} {client}"


def client_kind(is_bot: bool | None) -> str:
    """Return the last word of a key."""
    return UNKNOWN if is_bot is None else "bot" if is_bot else "person"
