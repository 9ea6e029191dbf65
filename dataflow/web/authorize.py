"""Authorization: every request is let in here or nowhere, by the role that its route declares."""

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs
from aiohttp.abc import AbstractMatchInfo
from aiohttp.typedefs import Handler
from aiohttp.web import Request, RequestKey, StreamResponse, middleware

from dataflow.access.configured import WHO_MAY
from dataflow.access.identity import GIVEN, AccessRole, Credentials, Identity, IdentityKind
from dataflow.access.worker_proof import CLOCK_SECONDS, Asked
from dataflow.app import app
from dataflow.catalogue.declared import RECEIVED_STREAMS
from dataflow.errors import DataflowError
from dataflow.http_error import HttpError, unauthorized, unavailable
from dataflow.kafka.errors import KafkaError
from dataflow.sources.receiver import REFUSED
from dataflow.web.health import still_starting
from dataflow.web.route import Route
from dataflow.web.session_cookie import session_owner

IDENTITY: Final = RequestKey("identity", Identity)

CHANGES: Final = (AccessRole.SEND, AccessRole.EDIT, AccessRole.ADMIN)
"""Roles of routes that take or change something, whose refusals are counted."""

NAME_KINDS: Final = ("DNS", "email", "URI")
"""Of alternative names; beside them counts the common name."""


@middleware
async def authorize(request: Request, handler: Handler) -> StreamResponse:
    """Let a request through to its view if whoever sent it has the role of the route."""
    if request.match_info.http_exception is not None:  # there is no such route
        return await handler(request)
    route = route_of(request)
    role = AccessRole.ADMIN if route is None else route.role
    try:
        request[IDENTITY] = await _let_in(request, role, None if route is None else route.stream)
    except HttpError as error:
        _count(error)
        raise
    if role not in GIVEN:  # pages, probes and queries of workers need no broker
        return await handler(request)
    if app.web.is_starting:
        raise unavailable(f"worker is {still_starting()}; expected one that has started")
    try:
        return await _answer(request, handler)
    except HttpError as error:
        if role in CHANGES:
            _count(error)
        raise


async def _answer(request: Request, handler: Handler) -> StreamResponse:
    """Have a view answer; one that lacks its broker, or a topic, may be asked again."""
    try:
        return await handler(request)
    except HttpError:
        raise
    except (DataflowError, KafkaError, OSError) as error:
        raise unavailable(str(error)) from error


def route_of(request: Request) -> Route | None:
    """Return the route as it is declared; None for a view that was added past `Routes`: of a Faust app."""
    return matched_route(request.match_info)


def matched_route(match: AbstractMatchInfo) -> Route | None:
    """Return what `route_of` does, of an address that nobody has sent."""
    owner = getattr(match.handler, "__self__", None)
    return owner if isinstance(owner, Route) else None


def identity_of(request: Request) -> Identity:
    """Return who has sent a request that was let in."""
    return request[IDENTITY]


def check_role(request: Request, role: AccessRole) -> None:
    """Raise `HttpError` unless who has sent a request that was let in has this role, too."""
    identity = identity_of(request)
    if not identity.may(role, None):
        raise _refusal(request, identity, role, None)


async def is_still_known(request: Request) -> bool:
    """Tell whether who has sent a request that was let in is who it was, with the roles that it had.

    A worker has shown a proof for the moment at which it asked: it is known as long as it listens.
    """
    identity = identity_of(request)
    if identity.kind is IdentityKind.WORKER:
        return True
    try:
        return await _identify(request) == identity
    except HttpError:
        return False


async def _let_in(request: Request, role: AccessRole, stream: str | None) -> Identity:
    authenticator = app.context.authenticator
    if role is AccessRole.EVERYBODY:
        return authenticator.everybody
    identity = await _identify(request)
    stream = stream or request.match_info.get("stream")
    if not identity.may(role, stream):
        raise _refusal(request, identity, role, stream)
    return identity


async def _identify(request: Request) -> Identity:
    owner = None if hdrs.AUTHORIZATION in request.headers else session_owner(request)
    return owner or await app.context.authenticator.identify(credentials_of(request))


def credentials_of(request: Request) -> Credentials:
    """Return what a request shows of who has sent it."""
    certificate = request.get_extra_info("peercert") or {}
    names = [name for kind, name in certificate.get("subjectAltName", ()) if kind in NAME_KINDS]
    names += [name for part in certificate.get("subject", ()) for kind, name in part if kind == "commonName"]
    asked = Asked(request.method, request.host, request.raw_path)
    return Credentials(request.remote or "", request.headers.get(hdrs.AUTHORIZATION), asked, tuple(names))


def _refusal(request: Request, identity: Identity, role: AccessRole, stream: str | None) -> HttpError:
    return _other_clock(request) or _lack(identity, role, stream)


def _lack(identity: Identity, role: AccessRole, stream: str | None) -> HttpError:
    """Return the error of who has not the role."""
    if role is AccessRole.WORKER:
        return HttpError(
            HTTPStatus.FORBIDDEN,
            "only other workers may ask this; expected the same DATAFLOW_WORKER_SECRET at all workers",
        )
    if identity.kind is not IdentityKind.EVERYBODY:
        nor = f", nor {role}:{stream}" if role is AccessRole.SEND and stream in RECEIVED_STREAMS else ""
        told = f"{identity} has not the role {role}{nor}; expected one that has"
        return HttpError(HTTPStatus.FORBIDDEN, told)
    known = app.context.authenticator.known
    if known.schemes:
        return unauthorized(known.schemes)
    if known.certificates:
        missing = "a client certificate is missing or unknown"
        return HttpError(
            HTTPStatus.FORBIDDEN, f"{missing}; expected one that the access file names, by HTTPS"
        )
    return HttpError(HTTPStatus.FORBIDDEN, f"nobody has the role {role}; {WHO_MAY}")


def _other_clock(request: Request) -> HttpError | None:
    """Return the error of who has the secret of the workers, but asks at another time than it is here."""
    ahead = app.context.authenticator.clock_ahead(credentials_of(request))
    if ahead is None:
        return None
    apart = f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} that of this worker"
    return HttpError(
        HTTPStatus.FORBIDDEN,
        f"clock of the worker or command that asks is {apart}; expected at most {CLOCK_SECONDS} s: "
        "run a time service (chrony, systemd-timesyncd) on both machines",
    )


def _count(error: HttpError) -> None:
    app.context.receiver.counts[REFUSED, str(int(error.status))] += 1
