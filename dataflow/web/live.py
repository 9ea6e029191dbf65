"""Live: answers of other addresses, sent again whenever they change, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Annotated, Final

from aiohttp.web import Request, StreamResponse
from msgspec import Meta
from yarl import URL

from dataflow.access.identity import AccessRole
from dataflow.http_error import HttpError, bad_value, not_found
from dataflow.web.authorize import check_role, matched_route
from dataflow.web.event_stream import STREAM, event, send_events, stays_open
from dataflow.web.health import not_ready_for
from dataflow.web.live_answers import Ask, LiveAnswer, LiveAnswers, error_frame
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes

routes = Routes("Pages")

BEAT_SECONDS: Final = 1.0
LONG_WAIT_SECONDS: Final = 1.0
"""An answer that takes longer lacks a worker: who looks at the last one is told."""
GATHER_SECONDS: Final = 0.4
"""Answers that change within this time go out together: each writing costs as much as what it writes."""
FIRST_SECONDS: Final = 0.02
"""The same while a page has not all of its answers."""
MOST_ADDRESSES: Final = 24


class LiveRequest(NoParameters):
    """What to look at, and for how long."""

    of: Annotated[str, about("Addresses, such as /tables?x=y, separated by spaces", example="/streams")]
    seconds: Annotated[int, about("End after so many seconds", example=1), Meta(ge=1, le=3_600)] = 300


@routes(
    "get",
    "/live",
    AccessRole.READ,
    description="`answer` has of, status and answer; `beat` comes each second, with what is waited for.",
    answer=STREAM,
    errors={400: "A parameter is not as expected", 429: "Pages look at too many different answers"},
)
async def live(request: LiveRequest, http: Request) -> StreamResponse:
    """The answers of other addresses, sent again whenever they change."""
    addresses = request.of.split()
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise bad_value("of", request.of, f"1 to {MOST_ADDRESSES} addresses, with spaces between them")
    asks, refusals = await _asks(http, addresses)
    live_answers().check_room([address for address, _ in asks])  # nothing is awaited until they are asked
    return await send_events(http, frames_of(http, asks, refusals, monotonic() + request.seconds))


async def _asks(http: Request, addresses: list[str]) -> tuple[list[tuple[str, Ask]], list[bytes]]:
    """Return what is to be asked, and what is answered to addresses that cannot be."""
    asks, refusals = list[tuple[str, Ask]](), list[bytes]()
    for address in dict.fromkeys(addresses):
        try:
            asks.append((address, await _ask_of(http, address)))
        except HttpError as error:
            refusals.append(error_frame(address, error.status, str(error)))
    return asks, refusals


async def _ask_of(http: Request, address: str) -> Ask:
    """Return the view of an address with its parameters; raise `HttpError` where this client has none."""
    asked = http.clone(rel_url=URL(f"/{address.lstrip('/')}"), method="GET")
    match = await http.app.router.resolve(asked)
    route = matched_route(match)
    if route is None or route.answer_type is None or route.types.keys() & {"http", "body"}:
        raise not_found("address", address, "one whose answer is JSON")
    check_role(http, route.role)
    arguments = route.arguments(asked.query.items(), match, {})
    return lambda: route.view(**arguments)


async def frames_of(
    http: Request, asks: list[tuple[str, Ask]], refusals: list[bytes], until: float
) -> AsyncGenerator[bytes, None]:
    """Yield what is refused, then what is new, and once a second how the worker is."""
    yield b"retry: 200\n\n" + b"".join(refusals)
    changed, beat_at = asyncio.Event(), monotonic()
    with live_answers().listen(asks, changed) as answers:
        told = dict.fromkeys(answers, 0)
        while monotonic() < until:
            is_due = monotonic() >= beat_at
            if is_due and not await stays_open(http):
                return
            changed.clear()
            news = [answer for answer in answers if answer.number != told[answer]]
            told.update({answer: answer.number for answer in news})
            beat_at = monotonic() + BEAT_SECONDS if is_due else beat_at
            frames = [answer.frame for answer in news] + ([_beat(answers)] if is_due else [])
            if frames:
                yield b"".join(frames)
            await _news(changed, beat_at, GATHER_SECONDS if all(told.values()) else FIRST_SECONDS)


async def _news(changed: asyncio.Event, beat_at: float, gather_seconds: float) -> None:
    """Wait until something is new, and a moment for what comes with it; no longer than until the beat."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(beat_at - monotonic(), 0.0)):
            await changed.wait()
            await asyncio.sleep(gather_seconds)


def _beat(answers: list[LiveAnswer]) -> bytes:
    slow = [answer.address for answer in answers if answer.waits_seconds > LONG_WAIT_SECONDS]
    return event("beat", {"not_ready": not_ready_for(), "waiting": slow})


@cache
def live_answers() -> LiveAnswers:
    """Return the answers that anybody looks at."""
    return LiveAnswers()
