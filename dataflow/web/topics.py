"""Topics over HTTP: which there are to look at, and the newest events of one, as they come."""

import asyncio
from collections.abc import AsyncGenerator
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
from dataflow.http_error import unknown_name
from dataflow.web.answer import Answer
from dataflow.web.authorize import check_role
from dataflow.web.event_stream import STREAM, event, send_events, stays_open
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes
from dataflow.web.topic_tail import TailListener, TopicTails

routes = Routes("Topics")

BEAT_SECONDS: Final = 2.0


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

    topic: Annotated[str, about("Name of the topic, as in /topics", example="expedia")]
    seconds: Annotated[int, about("End after so many seconds", example=1), Meta(ge=1, le=3_600)] = 300


@routes("get", "/topics", AccessRole.READ, errors={400: "This route has no parameters"})
async def list_topics(_request: NoParameters) -> TopicsAnswer:
    """The topics whose events can be shown."""
    return TopicsAnswer(topic_rows())


@routes(
    "get",
    "/topics/{topic}/tail",
    AccessRole.READ,
    description="Server-sent events: `events` has the next ones, the oldest first, how many were left out, "
    "and which partitions cannot be read as they have no leader; `fault` says why there are none. Of a busy "
    "topic only the newest events are shown. Dead letters need the role edit.",
    answer=STREAM,
    errors={
        400: "A parameter is not as expected",
        404: "There is no such topic",
        429: "Too many clients watch topics",
    },
)
async def tail_topic(request: TailRequest, http: Request) -> StreamResponse:
    """The newest events of a topic, as they arrive."""
    row = next((row for row in topic_rows() if row.name == request.topic), None)
    if row is None:
        raise unknown_name("topic", request.topic, [row.name for row in topic_rows()])
    check_role(http, AccessRole(row.role))
    with tails().listen(row.name) as listener:
        return await send_events(http, _told(http, listener, monotonic() + request.seconds))


async def _told(http: Request, listener: TailListener, until: float) -> AsyncGenerator[bytes, None]:
    while monotonic() < until and await stays_open(http):
        with suppress(TimeoutError):
            await asyncio.wait_for(listener.news.wait(), BEAT_SECONDS)
        yield _frames(listener)


def _frames(listener: TailListener) -> bytes:
    """Return what has come; a comment if nothing has, so that a closed page is noticed."""
    frames, fault = b"", listener.fault
    events, skipped = listener.take()
    if events or skipped or not listener.is_told_leaderless:
        listener.is_told_leaderless = True
        content = b'"skipped":%d,"leaderless_partitions":%b,"events":[%b]' % (
            skipped,
            msgspec.json.encode(listener.leaderless),
            b",".join(events),
        )
        frames = b"event: events\ndata: {%b}\n\n" % content
    if fault:
        frames += event("fault", {"error": fault})
    return frames or b": still here\n\n"


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
