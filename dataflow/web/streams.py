"""Streams: every source topic's events, and where each ended, over the whole cluster."""

import asyncio
from collections.abc import Mapping

import msgspec
from faust.web import Request, Response, View

from dataflow.app import app
from dataflow.engine.balance import Balance
from dataflow.engine.query import Answer
from dataflow.web.counts import behind, partitions
from dataflow.web.parameters import single_values
from dataflow.web.refused import unavailable
from dataflow.web.reply import as_json


@app.page("/streams")
async def streams(view: View, request: Request) -> Response:
    """Answer with the balance of every stream; by rule and by reason in `details`."""
    single_values(request.query.items(), known=())
    topics = sorted(app.engine.sources)
    asked = (app.queries.ask(topic, "balance", {}) for topic in topics)
    answers = dict(zip(topics, await asyncio.gather(*asked), strict=True))
    if not any(answer.parts for answer in answers.values()):
        raise unavailable("partitions are being taken over; none of their owners has answered in time")
    balances = {topic: _balance(answer) for topic, answer in answers.items()}
    return as_json(
        view,
        {
            "streams": {topic: _totals(balance) for topic, balance in balances.items()},
            "details": {topic: _details(balance) for topic, balance in balances.items()},
            "partitions": {topic: partitions([answer]) for topic, answer in answers.items()},
            "behind": {topic: behind([answer]) for topic, answer in answers.items()},
        },
    )


def _balance(answer: Answer) -> Balance:
    total = Balance()
    for raw in answer.parts.values():
        total.add(Balance.from_mapping(msgspec.msgpack.decode(raw)))
    return total


def _totals(balance: Balance) -> Mapping[str, int]:
    return {
        "received": balance.received,
        "sent": balance.sent,
        "dropped": balance.dropped.total(),
        "dead_lettered": balance.dead_lettered.total(),
    }


def _details(balance: Balance) -> Mapping[str, Mapping[str, int]]:
    return {"dropped": balance.dropped, "dead_lettered": balance.dead_lettered}
