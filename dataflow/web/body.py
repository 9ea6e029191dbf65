"""Bodies of requests: read up to a size, within a time."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import PayloadAccessError, Request, RequestPayloadError

from dataflow.http_error import HttpError, unavailable

RETRY_SECONDS = 5.0


async def read_body(
    request: Request, hold: Callable[[int], None], *, most_bytes: int, seconds: float
) -> bytes:
    """Return the body as received, still packed; what it holds is counted as it arrives.

    A sender that takes too long gets a 503, not a 408: DataStream would not come again.
    """
    if request.content_length is not None and request.content_length > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.readany():
                hold(len(piece))
                body += piece
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
    except TimeoutError:
        raise unavailable(
            f"body has not arrived within {seconds:g} s; expected a quicker sender", RETRY_SECONDS
        ) from None
    except (HttpProcessingError, RequestPayloadError, PayloadAccessError, OSError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"body is broken off or wrongly chunked: {error}") from error
    return bytes(body)


def _too_large(most_bytes: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body is more than {most_bytes} bytes; expected at most that"
    )
