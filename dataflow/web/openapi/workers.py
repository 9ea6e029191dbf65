"""The worker itself, as OpenAPI tells of it: health, metrics, sinks, pages."""

from typing import Annotated, Literal

from msgspec import Meta

from dataflow.web.openapi.operation import Answer, Content, Json, Operation, Parameter, path_parameter

TAG, PAGES = "Workers", "Pages"


class Healthy(Answer):
    """It lives."""

    healthy: Literal[True]


class Ready(Answer):
    """It does its work."""

    ready: Literal[True]


class Buffered(Answer):
    """Records that a sink has taken and will store with later ones."""

    records: int


class SinkLag(Answer):
    """Records that a sink has not taken."""

    records: int
    seconds: Annotated[float | None, Meta(description="How long the oldest has been in Kafka")]


class SinkState(Answer):
    """A sink over the whole cluster."""

    name: str
    topics: list[str]
    workers: Annotated[int, Meta(description="0: nobody runs it")]
    lag: SinkLag
    buffered: Buffered
    records_per_second: float
    last_error: str | None
    last_error_at: str | None
    retrying_since: Annotated[str | None, Meta(description="null: it is not in trouble")]


class SinksAnswer(Answer):
    """All sinks that have ever run, or that are configured."""

    sinks: list[SinkState]


HTML: Json = {"type": "string"}
NO_PARAMETERS = {400: "There are no parameters"}

OPERATIONS = (
    Operation(
        "get",
        "/healthz",
        TAG,
        "Whether this worker lives",
        "Only a restart helps where it does not.",
        answer=Content(schema=Healthy),
        refusals={500: "The worker or an agent has crashed"},
    ),
    Operation(
        "get",
        "/readyz",
        TAG,
        "Whether this worker does its work",
        answer=Content(schema=Ready),
        refusals={503: "It is recovering, stopping, or without its broker"},
    ),
    Operation(
        "get",
        "/metrics",
        TAG,
        "Metrics of this worker, for Prometheus",
        answer=Content("text/plain", {"type": "string"}),
    ),
    Operation(
        "get",
        "/sinks",
        TAG,
        "How far behind each sink is, and why",
        "Over the whole cluster; takes half a second.",
        answer=Content(schema=SinksAnswer),
        refusals={**NO_PARAMETERS, 503: "Kafka is away"},
    ),
    Operation(
        "get",
        "/_query/{topic}",
        TAG,
        "What this worker's own partitions say to another worker",
        "Internal: it differs between releases.",
        (
            path_parameter("topic", "A topic that is counted", "cdn-logs"),
            Parameter("read", "What is read of each partition", example="event_counts", required=True),
        ),
        answer=Content("application/vnd.msgpack", {"type": "string", "format": "binary"}),
        refusals={400: "A question of another release", 503: "It is recovering"},
    ),
    Operation("get", "/", PAGES, "The live page", answer=Content("text/html", HTML)),
    Operation("get", "/docs", PAGES, "This document, as a page", answer=Content("text/html", HTML)),
    Operation("get", "/openapi.json", PAGES, "This document", answer=Content()),
    Operation("get", "/favicon.ico", PAGES, "The icon", answer=Content("image/svg+xml", HTML)),
    Operation(
        "get",
        "/static/{version}/{name}",
        PAGES,
        "A file of the pages",
        parameters=(
            path_parameter("version", "Its version: then it may be kept for good", "any"),
            path_parameter("name", "Its name", "page.css"),
        ),
        answer=Content("text/css", {"type": "string"}),
        refusals={404: "There is no such file"},
    ),
)
