"""Topics over HTTP: which there are to look at, and the newest events of one, as they come."""

import asyncio
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Annotated, Final, Literal

import msgspec
from aiohttp.web import Request, StreamResponse
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.catalogue.declared import STREAMS, TOPICS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.errors import one_of
from dataflow.http_error import not_found
from dataflow.web.answer import Answer
from dataflow.web.authorize import check_role
from dataflow.web.edge import SAFE_HEADERS, UNKEPT
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Content, Routes
from dataflow.web.session_cookie import session_owner
from dataflow.web.topic_tail import TailListener, TopicTails

routes = Routes("Topics")

BEAT_SECONDS: Final = 2.0
WRITE_SECONDS: Final = 30.0
"""A page that takes nothing for so long is let go."""

EVENT_STREAM: Final = Content("text/event-stream", {"type": "string"})


class FollowableTopic(Answer):
    """A topic whose events can be looked at."""

    name: str
    holds: str
    kind: Literal["source", "output"]
    role: Annotated[str, Meta(description="What who looks at its events has to be")]


class TopicsAnswer(Answer):
    """The topics of all streams."""

    topics: list[FollowableTopic]


class TailRequest(NoParameters):
    """Which topic, and for how long."""

    topic: Annotated[str, about("Its name, as /topics lists it", example="expedia")]
    seconds: Annotated[int, about("End after so many", example=1), Meta(ge=1, le=3_600)] = 300


@routes("get", "/topics", AccessRole.READ, errors={400: "There are no parameters"})
async def list_topics(_request: NoParameters) -> TopicsAnswer:
    """The topics whose events can be looked at."""
    return TopicsAnswer(topic_rows())


@routes(
    "get",
    "/topics/{topic}/tail",
    AccessRole.READ,
    description="Server-sent events: `events` has the next ones, oldest first, and how many were left out; "
    "`fault` says why none come. Of a busy topic only the newest are shown. Dead letters need the role edit.",
    answer=EVENT_STREAM,
    errors={400: "A parameter is not as expected", 404: "There is no such topic", 429: "Too many look"},
)
async def tail_topic(request: TailRequest, http: Request) -> StreamResponse:
    """The newest events of a topic, as they come."""
    row = next((row for row in topic_rows() if row.name == request.topic), None)
    if row is None:
        raise not_found("topic", request.topic, one_of(row.name for row in topic_rows()))
    check_role(http, AccessRole(row.role))
    response = StreamResponse(headers={**UNKEPT, **SAFE_HEADERS, "X-Accel-Buffering": "no"})
    response.content_type = EVENT_STREAM.media
    with tails().listen(row.name) as listener:
        await response.prepare(http)
        if http.method != "HEAD":
            # The page was closed, or is too slow.
            with suppress(ConnectionResetError, TimeoutError):
                await _send(http, response, listener, monotonic() + request.seconds)
    return response


async def _send(http: Request, response: StreamResponse, listener: TailListener, until: float) -> None:
    owner, connections = session_owner(http), app.web.connections
    while monotonic() < until and session_owner(http) == owner:
        if app.should_stop or connections.is_draining:
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(listener.news.wait(), BEAT_SECONDS)
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(_frames(listener))
    await response.write_eof()


def _frames(listener: TailListener) -> bytes:
    """Return what has come; a comment if nothing has, so that a closed page is noticed."""
    fault = listener.fault
    events, skipped = listener.take()
    if fault:
        return b"event: fault\ndata: %b\n\n" % msgspec.json.encode({"error": fault})
    if events or skipped:
        return b'event: events\ndata: {"skipped":%d,"events":[%b]}\n\n' % (skipped, b",".join(events))
    return b": still here\n\n"


def topic_rows() -> list[FollowableTopic]:
    """Return the topics of the streams, and those that the filter rules in use write to."""
    sources = {stream.topic for stream in STREAMS}
    rows = [
        FollowableTopic(
            topic.name, topic.holds, "source" if topic.name in sources else "output", _role_for(topic.name)
        )
        for topic in TOPICS.values()
    ]
    rules = app.context.filter_rules
    named = sorted(rules.current.topics - TOPICS.keys()) if rules.version is not None else []
    return rows + [
        FollowableTopic(
            name, "CDN log lines that an output of the filter rules takes", "output", AccessRole.READ
        )
        for name in named
    ]


def _role_for(topic: str) -> AccessRole:
    return AccessRole.EDIT if topic == DEAD_LETTERS.name else AccessRole.READ


@cache
def tails() -> TopicTails:
    """Return the topics that anybody looks at."""
    return TopicTails(app.context.connection)
