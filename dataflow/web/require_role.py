"""Access: a view that needs a role answers only clients that have it."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus

from aiohttp import hdrs
from aiohttp.web import Request, StreamResponse

from dataflow.app import app
from dataflow.errors import DataflowError, Misconfigured
from dataflow.http_error import HttpError, unavailable
from dataflow.kafka.errors import KafkaError
from dataflow.sources.receiver import REFUSED

View = Callable[[Request], Awaitable[StreamResponse]]


class AccessRole(StrEnum):
    """What a client may do; today every known sender has both roles."""

    SEND = "send"
    EDIT = "edit"
    """Read or change what is not public; not from a page of another site."""


def require_role(role: AccessRole, view: View) -> View:
    """Let a view answer only clients of this role, and count the requests that it refuses."""

    async def answer(request: Request) -> StreamResponse:
        """Check the client, then let the view answer."""
        try:
            await _check(request, role)
            return await view(request)
        except HttpError as error:
            app.context.receiver.counts[REFUSED, str(int(error.status))] += 1
            raise
        except (DataflowError, KafkaError, OSError) as error:
            raise unavailable(str(error)) from error

    return answer


async def _check(request: Request, role: AccessRole) -> None:
    site = request.headers.get("Sec-Fetch-Site", "none")
    if role is AccessRole.EDIT and site not in ("none", "same-origin"):
        raise HttpError(HTTPStatus.FORBIDDEN, "request comes from another site; expected none of a browser")
    try:
        authenticator = app.context.receiver.authenticator
    except Misconfigured as error:
        raise HttpError(HTTPStatus.FORBIDDEN, str(error)) from error
    await authenticator.check(request.headers.get(hdrs.AUTHORIZATION), request.remote or "")
