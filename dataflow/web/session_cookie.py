"""Session cookie: how the browser of somebody who has logged in shows a session, and keeps it to itself."""

from typing import Final

from aiohttp import hdrs
from aiohttp.web import Request, Response

from dataflow.access.identity import Identity
from dataflow.access.sessions import SESSION_SECONDS
from dataflow.app import app

_PLAIN: Final = "dataflow"
_SECURE: Final = "__Host-dataflow"
"""Browsers keep a cookie of such a name only from a page of exactly this host, by HTTPS."""


def session_owner(request: Request) -> Identity | None:
    """Return who has logged in with the browser that sends this; None for nobody."""
    sessions, known = app.context.sessions, app.context.authenticator.known
    names = [_SECURE] if request.secure else [_SECURE, _PLAIN]  # one may be left of HTTPS at another port
    owners = (sessions.owner(request.cookies.get(name, ""), known) for name in names)
    return next((owner for owner in owners if owner is not None), None)


def keep_session(request: Request, response: Response, session: str) -> None:
    """Have the browser keep a session: no script reads it, no page of others sends it."""
    # A proxy may speak HTTPS for us: the page's own address says so.
    is_secure = request.secure or request.headers.get(hdrs.ORIGIN, "").startswith("https://")
    _set(response, _SECURE if is_secure else _PLAIN, session, SESSION_SECONDS)


def forget_session(response: Response) -> None:
    """Have the browser forget the sessions of this worker: it may have one of each of its ports."""
    for name in (_SECURE, _PLAIN):
        _set(response, name, "", 0)


def _set(response: Response, name: str, session: str, seconds: int) -> None:
    response.set_cookie(
        name,
        session,
        max_age=seconds,
        path="/",
        secure=name == _SECURE,
        httponly=True,
        samesite="Strict",
    )
