"""Streams: every source topic's events, and where each ended, over the whole cluster; which ones pause."""

from typing import Annotated

from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.pauses import Pause, StreamState
from dataflow.engine.query import ReadEventCounts
from dataflow.engine.query_result import QueryResult
from dataflow.http_error import unavailable
from dataflow.web.answer import Answer, Lag, Partitions, lag_of, partitions_of
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Routes
from dataflow.web.tables import AWAY

routes = Routes("Counts")


class StreamTotals(Answer):
    """Every event ends in one place: received = sent + dropped + dead_lettered."""

    received: int
    sent: int
    dropped: int
    dead_lettered: int


class StreamDetails(Answer):
    """Drops by rule, dead letters by reason."""

    dropped: dict[str, int]
    dead_lettered: dict[str, int]


class StreamStatus(Answer):
    """Whether a stream is read, and if not, why."""

    state: StreamState
    paused: Annotated[list[int], Meta(description="Partitions that are not read for now")]
    pause: Annotated[Pause | None, Meta(description="Why the first of them is not")]


class StreamsAnswer(Answer):
    """All streams, each by its topic."""

    streams: dict[str, StreamTotals]
    details: dict[str, StreamDetails]
    partitions: dict[str, Partitions]
    lag: dict[str, Lag]
    states: dict[str, StreamStatus]


def sheet_of(answer: StreamsAnswer) -> Sheet:
    """Return a row for each stream."""
    parts = (answer.streams, answer.lag, answer.states)
    rows = [
        {"stream": stream, **totals, "lag": lag, **status}
        for stream, totals, lag, status in zip(
            answer.streams, *(rows_of(of.values()) for of in parts), strict=True
        )
    ]
    missing = any(each.missing for each in answer.partitions.values())
    return Sheet("streams", rows, is_whole=not missing)


@routes(
    "get",
    "/streams",
    AccessRole.READ,
    description="Counted since the beginning, over all workers and crashes.",
    has_etag=True,
    sheet=sheet_of,
    errors={400: "This route has no parameters", 503: AWAY},
)
async def show_streams(_request: NoParameters) -> StreamsAnswer:
    """What came in, and where each event ended."""
    topics = sorted(app.topology.sources)
    results = await app.queries.query(topics, ReadEventCounts())
    if not any(result.by_partition for result in results.values()):
        raise unavailable("partitions are being taken over; none of their owners has answered in time")
    counts = {topic: _event_counts(result) for topic, result in results.items()}
    return StreamsAnswer(
        streams={
            topic: StreamTotals(each.received, each.sent, each.dropped.total(), each.dead_lettered.total())
            for topic, each in counts.items()
        },
        details={topic: StreamDetails(each.dropped, each.dead_lettered) for topic, each in counts.items()},
        partitions={topic: partitions_of([result]) for topic, result in results.items()},
        lag={topic: lag_of([result]) for topic, result in results.items()},
        states={topic: _status(topic, result) for topic, result in results.items()},
    )


def _status(topic: str, result: QueryResult[EventCounts]) -> StreamStatus:
    paused = sorted(result.pauses)
    if paused:
        return StreamStatus(StreamState.PAUSED, paused, result.pauses[paused[0]])
    pause = app.engine.pauses.get(topic)
    if result.missing and pause is not None:  # of its topics, as every worker sees: nobody can recover it
        return StreamStatus(StreamState.PAUSED, result.missing, pause)
    return StreamStatus(StreamState.RUNNING, [], None)


def _event_counts(result: QueryResult[EventCounts]) -> EventCounts:
    total = EventCounts()
    for counts in result.by_partition.values():
        total.add(counts)
    return total
