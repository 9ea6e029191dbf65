"""Streams: every source topic's events, and where each ended, over the whole cluster."""

import asyncio
from collections.abc import Mapping

import msgspec
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.query import Answer
from dataflow.http_error import unavailable
from dataflow.web.counts import lag, partitions
from dataflow.web.parameters import single_values
from dataflow.web.reply import as_json

routes = RouteTableDef()


@routes.get("/streams")
async def streams(request: Request) -> Response:
    """Answer with the balance of every stream; by rule and by reason in `details`."""
    single_values(request.query.items(), known=())
    topics = sorted(app.topology.sources)
    asked = (app.queries.query(topic, "event_counts", {}) for topic in topics)
    answers = dict(zip(topics, await asyncio.gather(*asked), strict=True))
    if not any(answer.parts for answer in answers.values()):
        raise unavailable("partitions are being taken over; none of their owners has answered in time")
    event_counts_by_stream = {topic: _event_counts(answer) for topic, answer in answers.items()}
    return as_json(
        {
            "streams": {
                topic: _totals(event_counts) for topic, event_counts in event_counts_by_stream.items()
            },
            "details": {
                topic: _details(event_counts) for topic, event_counts in event_counts_by_stream.items()
            },
            "partitions": {topic: partitions([answer]) for topic, answer in answers.items()},
            "lag": {topic: lag([answer]) for topic, answer in answers.items()},
        },
    )


def _event_counts(answer: Answer) -> EventCounts:
    total = EventCounts()
    for raw in answer.parts.values():
        total.add(EventCounts.from_mapping(msgspec.msgpack.decode(raw)))
    return total


def _totals(event_counts: EventCounts) -> Mapping[str, int]:
    return {
        "received": event_counts.received,
        "sent": event_counts.sent,
        "dropped": event_counts.dropped.total(),
        "dead_lettered": event_counts.dead_lettered.total(),
    }


def _details(event_counts: EventCounts) -> Mapping[str, Mapping[str, int]]:
    return {"dropped": event_counts.dropped, "dead_lettered": event_counts.dead_lettered}
