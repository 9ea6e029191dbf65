"""Fronts: what stands before the time of a usual line in; client, host, ident and user out."""

import re
from typing import NamedTuple

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.clients import address_of, first_client, host_name_of
from dataflow.stages.access_log.values import NO_VALUE, host_of, text_of, user_of

NAME = r"[0-9A-Za-z._:%\[\]*-]++"
_NAMES = rf"{NAME}(?:, ?{NAME})*+"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'

_client_first = re.compile(rf"({_NAMES}) ++([^ ]++) ++(.*)", re.DOTALL).fullmatch
# Behind the host there may be its port, and a list of X-Forwarded-For.
_LIST = rf"(?:{_QUOTED}|{NAME}(?:, ?{NAME})++(?= ++(?!- ){NAME} ++- ))"
_host_first = re.compile(
    rf"({NAME})(?: ++[0-9]{{1,5}}(?= ))?+(?: ++{_LIST})?+ ++({_NAMES}) ++([^ ]++) ++(.*)", re.DOTALL
).fullmatch
# A list of X-Forwarded-For may stand alone before the client.
_list_first = re.compile(rf"(?:{_QUOTED}|{NAME}(?:, ?{NAME})++) ++({NAME}) ++(-) ++(.*)", re.DOTALL).fullmatch
# A list of X-Forwarded-For may stand in parentheses or quotes behind the client, or in its place.
_bracketed = re.compile(
    rf"((?:{NAME} ++)?(?=[^ .:]*+[.:]){NAME}) ++"
    r"[(<\"](?:-|unknown|[0-9A-Fa-f.:, ]{3,300}+)[)>\"](?= ++- )"
).match
_quoted_client = re.compile(rf'"({_NAMES})" ++(-) ++(.*)', re.DOTALL).fullmatch
# nginx's $request_id, which BunkerWeb has before the user.
_REQUEST_ID = re.compile(r"\A[0-9a-f]{32} ++(?=.)")
_HOST_AND_PORT = re.compile(r"[0-9.]++:[0-9]++|\[[^\]]++\]:[0-9]++")  # no client of these formats has a port
_begins_with_address = re.compile(r"([0-9A-Fa-f.:]{3,45}+) .* ", re.DOTALL).match

_ANY_HOST = frozenset((*NO_VALUE, "*", "_"))


class Front(NamedTuple):
    """What stands before the time; null where it has no value."""

    ip: str | None
    host: str | None
    ident: str | None
    user: str | None


def front_of(text: str) -> Front:
    """Return the parts of ``[host] client ident user``; the client may have typed any user name.

    Raises `InvalidEvent` where no address and no host name stands in the client's place.
    """
    text = _without_bracketed(text)
    if match := _client_first(text):
        client, ident, user = match.groups()
        if ident != "-" and not any(map(str.isalnum, ident)):  # `client -> upstream`: what follows is no user
            raise _no_client(text)
        is_address = address_of(_first(client)) is not None
        if is_address and _is_site(ident) and not user.strip(" ").startswith("- "):
            return _with_host_next(client, ident, user)
        # Nobody runs identd any more: who has an ident is a client. An address in the place of the
        # ident is the client, and what stands before it a host.
        if ident == "-" or (is_address and not _is_site(_first(ident))):
            return _front(client, None, ident, user)
    if match := _host_first(text):
        host, client, ident, user = match.groups()
        is_known = _HOST_AND_PORT.fullmatch(host) or client == "localhost" or address_of(client)
        if address_of(_first(ident)) or (address_of(host) and _is_site(client) and not is_known):
            raise _no_client(text)  # which of them asked is not known
        if (ident == "-" or address_of(_first(client))) and _is_host(host):
            return _front(client, host, ident, user)
    return _rare_front_of(text)


def _without_bracketed(text: str) -> str:
    match = _bracketed(text)
    return text if match is None else match[1] + text[match.end() :]


def _with_host_next(client: str, host: str, user: str) -> Front:
    """Return the front of lighttpd and some hosters, which have the host behind the client."""
    following = _begins_with_address(user)
    if following and address_of(following[1]):  # `server host client`: which of them asked is not known
        raise _no_client(f"{client} {host} {user}")
    return _front(client, host, "-", user)


def _rare_front_of(text: str) -> Front:
    if (match := _list_first(text)) and address_of(match[1]):
        return _front(match[1], None, match[2], match[3])
    if match := _quoted_client(text):
        return _front(match[1], None, match[2], match[3])
    if (match := _client_first(text)) and " " not in match[3].strip() and "." in match[1]:
        client, ident, user = match.groups()
        if address_of(ident) and not address_of(client):  # a host, and the address of its client
            return _front(ident, client, "-", user)
        return _front(client, None, ident, user)
    raise _no_client(text)


def _front(client: str, host: str | None, ident: str, user: str) -> Front:
    ip = first_client(client)
    following = None if ip is None or address_of(ip) else _begins_with_address(user)
    if following and address_of(following[1]):  # `name - address - user`: which of them asked is not known
        raise _no_client(f"{client} {ident} {user}")
    user = _REQUEST_ID.sub("", user.strip(" "))
    return Front(ip, host and host_of(host), text_of(ident), user_of(user) if user.strip("- ") else None)


def _first(names: str) -> str:
    return names.partition(",")[0]


def _is_site(text: str) -> bool:
    """Tell whether this is what a browser asks for, and no name of a user."""
    name = host_name_of(text)
    return address_of(text) is not None or (name is not None and ("." in name or name == "localhost"))


def _is_host(text: str) -> bool:
    if text in _ANY_HOST or address_of(text) is not None:
        return True
    return host_name_of(text.removeprefix("*").removeprefix(".")) is not None  # as nginx may name a server


def _no_client(text: str) -> InvalidEvent:
    return InvalidEvent(
        Reason.UNPARSABLE,
        f"client, ident and user are {text[:40]!r} at column 1; "
        "expected an IP address or a host name, and two names",
    )
