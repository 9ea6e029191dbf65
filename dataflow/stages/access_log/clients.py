"""Clients: what a server writes in the client's place in, one form of each address, or a host name, out."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.values import NO_VALUE
from dataflow.stages.bounded_cache import BoundedCache

_LABEL = "[0-9A-Za-z_][0-9A-Za-z_-]{0,62}"
# As browsers decide it: what ends in a number is an address, or nothing.
_NUMBER = r"(?:[0-9]++|0[xX][0-9A-Fa-f]*+)\.?\Z"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z)(?!(?:.*\.)?{_NUMBER}){_LABEL}(?:\.{_LABEL})*+\.?")
_ADDRESS_AND_PORT = re.compile(
    r"\[([^\[\]]++)\](?::[0-9]{1,5})?|((?:::ffff:(?=[^:]*\.))?[^:]++):[0-9]{1,5}", re.IGNORECASE
)


# To be refused by `ip_address` costs ten times as much.
_may_be_address = re.compile(r"[0-9A-Fa-f.:]++\Z").match


class UnreadableField(Exception):
    """The text of a field is not what it should be: the field is null, and the line lives."""


NO_ADDRESS = frozenset((*NO_VALUE, "unix:", "unknown"))
"""What servers write where a client has no address: nothing, ``-``, nginx of a local socket, proxies."""


def address_of(text: str) -> str | None:
    """Return the one form of an address; null if it is none.

    Without port, brackets and zone (``fe80::1%eth0``); IPv6 in lower case and shortened, an IPv4 address
    in it (``::ffff:192.0.2.1``) as IPv4. ``89.160.20`` and ``0x59.0xa0.0x14.0x70`` are none.
    """
    match = _ADDRESS_AND_PORT.fullmatch(text)
    bare = (match[1] or match[2] if match else text).partition("%")[0]
    if not _may_be_address(bare):
        return None
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def host_name_of(text: str) -> str | None:
    """Return a host name without the port behind it; null if it is none."""
    match = _ADDRESS_AND_PORT.fullmatch(text)
    name = match[2] or "" if match else text
    return name if _HOST_NAME.fullmatch(name) else None


def _client(text: str) -> str | None:
    if text.lower() in NO_ADDRESS:
        return None
    client = address_of(text) or host_name_of(text)
    if client is None:
        raise InvalidEvent(
            Reason.UNPARSABLE, f"client is {text[:40]!r}; expected an IP address or a host name"
        )
    return client


_clients: BoundedCache[str, str | None] = BoundedCache(_client)


client_of: Callable[[str], str | None] = _clients.__getitem__
"""Returns a client's address or host name; null for *no value*; raises `InvalidEvent` for anything else."""


def first_client(text: str) -> str | None:
    """Return the first of a list: the client, as the first proxy saw it."""
    return _clients[text.partition(",")[0].strip()]


def forwarded_client(text: str) -> str | None:
    """Return the first of the list in ``X-Forwarded-For``; raise `UnreadableField` if it is no client."""
    try:
        return first_client(text)
    except InvalidEvent as error:
        raise UnreadableField from error
