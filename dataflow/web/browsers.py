"""Browsers: what they send on behalf of pages of others is refused, before anybody is asked who it is."""

import socket
from functools import cache, lru_cache
from http import HTTPStatus
from time import monotonic
from typing import Final

from aiohttp import hdrs
from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.address import in_url
from dataflow.http_error import HttpError
from dataflow.logs import get_log
from dataflow.sources.receiver import REFUSED
from dataflow.web.authorize import route_of
from dataflow.web.own_names import OwnNames

log = get_log(__name__)

PROBES = frozenset({"/healthz", "/readyz"})
"""They tell nothing that has to be kept from anybody, and are asked by any name."""

REMINDER_SECONDS: Final = 60.0

OF_BROWSERS: Final = (hdrs.ORIGIN, hdrs.REFERER, "Sec-Fetch-Site")

ONCE: Final = (hdrs.AUTHORIZATION, hdrs.ORIGIN, "Sec-Fetch-Site", "Sec-Fetch-Mode")
"""Which of two counts, a proxy before us may see otherwise."""

READS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


@middleware
async def only_own_pages(request: Request, handler: Handler) -> StreamResponse:
    """Let a request through that is for this worker, and that no page of another origin sends."""
    if request.path not in PROBES:
        _check_once(request)
        try:
            _check(request)
        except HttpError as error:
            app.context.receiver.counts[REFUSED, str(int(error.status))] += 1
            _remind(error.status, int(monotonic() // REMINDER_SECONDS))
            raise
    return await handler(request)


@lru_cache(maxsize=8)  # by status, in each stretch of time
def _remind(status: HTTPStatus, _time: int) -> None:
    log.warning(
        "Requests for another host, or of pages of others, are refused; see DATAFLOW_WEB_NAMES.",
        status=status,
    )


def _check_once(request: Request) -> None:
    for name in ONCE:
        if len(request.headers.getall(name, ())) > 1:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"{name} is there more than once; expected it once")


def _check(request: Request) -> None:
    reached_at = request.get_extra_info("sockname") or ("",)
    own = own_names()
    if not _is_of_sender(request):
        own.check_host(request.headers.getall(hdrs.HOST, []), reached_at[0])
    own.check_origin(request.headers, request.scheme, changes=request.method not in READS)


def _is_of_sender(request: Request) -> bool:
    """Tell whether a request brings events, and no browser has sent it: that shows where its page is from.

    A sender uses any name that leads here, as that of a load balancer. DataStream drops what is refused.
    """
    route = route_of(request)
    is_to_send = route is not None and route.role is AccessRole.SEND
    return is_to_send and not any(name in request.headers for name in OF_BROWSERS)


@cache
def own_names() -> OwnNames:
    """Return the names of this worker, by its settings and its machine."""
    settings = app.settings
    own = [in_url(settings.web_host), settings.advertised_host, socket.gethostname()]
    return OwnNames([*own, app.conf.canonical_url.host or ""], settings.web_names)
