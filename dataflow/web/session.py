"""Session: a person logs in and out with a browser, and sees as whom."""

from dataclasses import replace
from http import HTTPStatus

import msgspec
from aiohttp.web import Request, Response

from dataflow.access.configured import WHO_MAY
from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.http_error import HttpError
from dataflow.web.answer import Answer
from dataflow.web.authorize import credentials_of
from dataflow.web.edge import json_response
from dataflow.web.index import HTML, page_of
from dataflow.web.route import Content, Routes
from dataflow.web.session_cookie import forget_session, keep_session, session_owner

routes = Routes("Pages")


class Login(Answer):
    """A user and a password, or the name of a token and the token."""

    user: str
    password: str


class LoggedIn(Answer):
    """As whom a browser is logged in, null: as nobody; and the roles that it has."""

    user: str | None
    can_log_in: bool
    roles: list[str]


@routes("get", "/login", AccessRole.EVERYBODY, answer=HTML)
async def login(http: Request) -> Response:
    """The page on which a person logs in."""
    return page_of(http, "login.html")


@routes("get", "/session", AccessRole.EVERYBODY)
async def show_session(http: Request) -> LoggedIn:
    """Who is logged in with this browser."""
    owner, authenticator = session_owner(http), app.context.authenticator
    shown = replace(credentials_of(http), authorization=None)  # a browser that logs in here shows none
    identity = owner or await authenticator.identify(shown)
    user = None if owner is None else str(owner)
    return LoggedIn(user, bool(authenticator.known.schemes), sorted(identity.grants.roles))


@routes(
    "post",
    "/session",
    AccessRole.EVERYBODY,
    description="The answer sets a cookie for twelve hours, which only the pages of this worker send.",
    body=[Content(example={"user": "ann", "password": "…"})],
    max_body_bytes=4 << 10,
    answer=Content(schema=LoggedIn),
    errors={
        400: "A field is missing",
        401: "User or password is wrong",
        403: "Nobody can log in",
        429: "Too many wrong passwords",
    },
)
async def log_in(http: Request, body: Login) -> Response:
    """Log in."""
    authenticator, sessions = app.context.authenticator, app.context.sessions
    if not authenticator.known.schemes:
        raise HttpError(HTTPStatus.FORBIDDEN, f"nobody can log in; {WHO_MAY}")
    identity = await authenticator.log_in(body.user, body.password, http.remote or "")
    response = json_response(
        msgspec.json.encode(LoggedIn(str(identity), True, sorted(identity.grants.roles)))
    )
    keep_session(http, response, sessions.begin(identity, authenticator.known))
    return response


@routes("delete", "/session", AccessRole.EVERYBODY, answer=Content(schema=LoggedIn))
async def log_out() -> Response:
    """Log out."""
    response = json_response(msgspec.json.encode(LoggedIn(None, True, [])))
    forget_session(response)
    return response
