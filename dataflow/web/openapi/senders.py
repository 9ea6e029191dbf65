"""What senders and apps use, as OpenAPI tells of it: ingest, events, simulation."""

from http import HTTPStatus
from typing import Annotated, Literal

from msgspec import Meta

from dataflow.catalogue.declared import INGESTED
from dataflow.web.openapi.operation import Answer, Content, Operation, Parameter, one_of

TAG = "What comes in"


class IngestAnswer(Answer):
    """What became of the lines, all of them acknowledged by the broker."""

    accepted: int
    dead_lettered: Annotated[
        int, Meta(description="Lines that are no events: they are kept, with the reason")
    ]


class AnalyticsEvent(Answer):
    """One event of an app."""

    device_id: Annotated[str, Meta(min_length=1, max_length=200)]
    event_type: Literal["START_SESSION", "END_SESSION", "REVENUE"]
    created_on: Annotated[str, Meta(description="ISO 8601 date-time, UTC where it names no offset")]


class SimulationStarted(Answer):
    """It runs, once in the whole cluster."""

    simulation: Literal["started"]
    interval: Annotated[float, Meta(description="Seconds between two events")]


class SimulationStopped(Answer):
    """It runs no longer."""

    simulation: Literal["stopped"]


ENCODING = Parameter(
    "Content-Encoding",
    "How the body is packed",
    one_of("gzip", "deflate", "zstd", "identity"),
    place="header",
)
REFUSALS = {
    400: "The body breaks off, or is not what Content-Encoding says",
    413: "The body is larger than a body may be, packed or unpacked",
    415: "Another Content-Encoding",
    429: "Too much is in flight, or too many wrong passwords; come again",
    503: "Kafka is away or too slow, or the body came too slowly; come again",
}
EVENT = {"device_id": "d-1", "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z"}
LINES = (
    Content("application/x-ndjson", {"type": "string"}, '{"reqTimeSec":"1645568187.280","statusCode":"200"}'),
    Content("text/plain", {"type": "string"}),
)

OPERATIONS = (
    Operation(
        "post",
        "/ingest",
        TAG,
        "Take CDN logs as DataStream 2 sends them",
        "One JSON object a line, one object, or an array; or STRUCTURED lines with a field order.",
        (ENCODING,),
        LINES,
        Content(schema=IngestAnswer),
        refusals=REFUSALS,
        guarded=True,
    ),
    Operation(
        "post",
        "/ingest/{stream}",
        TAG,
        "Take lines of a stream",
        parameters=(
            Parameter("stream", "Name of a stream", one_of(*INGESTED), "access-logs", "path"),
            ENCODING,
        ),
        body=LINES,
        answer=Content(schema=IngestAnswer),
        refusals={**REFUSALS, 404: "There is no such stream"},
        guarded=True,
    ),
    Operation(
        "post",
        "/events",
        TAG,
        "Create an analytics event",
        "It is answered as it was sent, once the broker has it.",
        (ENCODING,),
        (Content(schema=AnalyticsEvent, example=EVENT),),
        Content(schema=AnalyticsEvent),
        HTTPStatus.CREATED,
        {**REFUSALS, 400: "A field is not as expected; it is named"},
        guarded=True,
    ),
    Operation(
        "post",
        "/events/simulation",
        TAG,
        "Start to simulate events",
        parameters=(
            Parameter(
                "interval",
                "Seconds between two events",
                {"type": "number", "minimum": 0.001, "maximum": 3_600, "default": 1},
            ),
        ),
        answer=Content(schema=SimulationStarted),
        refusals={400: "It runs already, or the interval is not as expected"},
        guarded=True,
    ),
    Operation(
        "delete",
        "/events/simulation",
        TAG,
        "Stop the simulation, on whichever worker it runs",
        answer=Content(schema=SimulationStopped),
        refusals={400: "None is running"},
        guarded=True,
    ),
)
