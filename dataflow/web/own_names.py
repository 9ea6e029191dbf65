"""Own names: whether a request is for this worker, and whether a page that sends it is one of its own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Final

from dataflow.engine.address import in_url
from dataflow.http_error import HttpError, quoted

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", re.ASCII)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_OWN_SITES: Final = ("same-origin", "none")

ALWAYS: Final = ("localhost", "127.0.0.1", "[::1]")
"""Nobody else can have a page there under another name, and who forwards a port asks for these."""

Place = tuple[str, str]
"""Host and port."""


class OwnNames:
    """The names and addresses of a worker; `further` ones are those of proxies, with a port or without.

    A browser lets a page read what came from the name of that page. A page of a stranger whose name has
    been given the address of this worker (DNS rebinding) would read and change everything.
    """

    def __init__(self, own: Iterable[str], further: Sequence[str]) -> None:
        self._further = frozenset(further)
        self._hosts = {*ALWAYS, *map(str.lower, own), *(_place(name, "http")[0] for name in further)}

    def check_host(self, hosts: Sequence[str], reached_at: str) -> None:
        """Raise `HttpError` if a request is for another name than ours, or the address it has come to."""
        host = _place(hosts[0], "http")[0] if len(hosts) == 1 else ""
        if not host or host not in self._hosts | {_as_host(reached_at)}:
            raise HttpError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"Host is {quoted(', '.join(hosts))}; expected a name or address of this worker: "
                "DATAFLOW_WEB_NAMES has further ones",
            )

    def check_origin(self, headers: Mapping[str, str], scheme: str, *, changes: bool) -> None:
        """Raise `HttpError` if another site's page asks for a change, or for anything but to be shown."""
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "none")
        is_foreign = origin is not None and not self._is_own(origin, headers.get("Host", ""), scheme)
        if changes and is_foreign:
            raise _foreign(f"Origin is {quoted(origin or '')}")
        is_shown = not changes and headers.get("Sec-Fetch-Mode") == "navigate"
        if site not in _OWN_SITES and not is_shown:
            raise _foreign(f"Sec-Fetch-Site is {quoted(site)}")

    def _is_own(self, origin: str, host: str, scheme: str) -> bool:
        own_scheme, _, name = origin.lower().partition("://")  # null, of a sandbox or a file, has no name
        place = _place(name, own_scheme)
        is_here = bool(place[0]) and (own_scheme, place) == (scheme, _place(host, scheme))
        return name in self._further or is_here


def _place(text: str, scheme: str) -> Place:
    match = _HOST.fullmatch(text.lower())
    if match is None:
        return "", ""
    return match[1].removesuffix("."), match[2] or _DEFAULT_PORTS.get(scheme, "")


def _as_host(address: str) -> str:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:  # a socket of the file system
        return "localhost"
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return in_url(str(mapped or ip))


def _foreign(what: str) -> HttpError:
    return HttpError(
        HTTPStatus.FORBIDDEN,
        f"{what}: a page of another site sends this; expected one of this worker, or no browser",
    )
