"""Permitted: a request that reads or changes what is not everybody's in, its answer or a refusal out."""

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus

from aiohttp import hdrs
from aiohttp.web import Request, StreamResponse
from aiokafka.errors import KafkaError

from dataflow.errors import DataflowError, Misconfigured
from dataflow.sources.auth.guard import Guard
from dataflow.sources.refusal import NotTaken, never
from dataflow.web.declined import declined
from dataflow.web.receiver import receiver
from dataflow.web.refused import Refused, unavailable

View = Callable[[Request], Awaitable[StreamResponse]]


def permitted(view: View) -> View:
    """Let a view answer only those who may send: passwords and tokens are those of the ingest."""

    @wraps(view)
    async def answer(request: Request) -> StreamResponse:
        """Check who asks, then let the view answer."""
        try:
            # No page of another site may use the browser of somebody who is let in.
            if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
                raise never(
                    HTTPStatus.FORBIDDEN, "request comes from another site; expected none of a browser"
                )
            await _guard().check(request.headers.get(hdrs.AUTHORIZATION), request.remote or "")
            return await view(request)
        except NotTaken as refusal:
            return declined(request, refusal)
        except Refused:
            raise
        except (DataflowError, KafkaError, OSError) as error:
            raise unavailable(str(error)) from error

    return answer


def _guard() -> Guard:
    try:
        return receiver.guard
    except Misconfigured as error:
        raise never(HTTPStatus.FORBIDDEN, str(error)) from error
