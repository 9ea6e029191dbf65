"""Dead letters and sinks, as OpenAPI tells of them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.web.openapi.operation import (
    DATE_TIME,
    Answer,
    Content,
    Operation,
    Parameter,
    path_parameter,
    whole_number,
)

TAG = "Dead letters"


class DeadLetterRow(Answer):
    """A record that could not be used, and why."""

    partition: int
    offset: int
    at: Annotated[str | None, Meta(description="When it became a dead letter, UTC")]
    stage: str
    reason: Annotated[str, Meta(description="Short code of a closed set")]
    detail: str
    topic: Annotated[str, Meta(description="Where it came from")]
    tries: Annotated[int, Meta(description="How often it has been sent back before")]
    replayed: bool
    bytes: int


class DeadLetterList(Answer):
    """The newest of those that were asked for."""

    dead_letters: list[DeadLetterRow]
    scanned: Annotated[int, Meta(description="Letters that were looked at")]
    complete: Annotated[bool, Meta(description="false: there may be older ones")]


class DeadLetterOrigin(Answer):
    """Where the record stood."""

    partition: int
    offset: int
    timestamp: str | None


class DeadLetterPage(Answer):
    """All of one dead letter."""

    partition: int
    offset: int
    at: str | None
    stage: str
    reason: str
    detail: str
    topic: str
    tries: int
    replayed: bool
    bytes: int
    origin: DeadLetterOrigin
    headers: list[tuple[str, str | None]]
    key_base64: str | None
    value_base64: Annotated[str | None, Meta(description="Exactly as it came")]
    value_text: str | None


class ReplayWish(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which dead letters are to be sent back to their topics."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    start: str | None = None
    end: str | None = None
    places: Annotated[list[tuple[int, int]] | None, Meta(description="Partitions and offsets")] = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000


class ReplayAnswer(Answer):
    """What became of them."""

    replayed: int
    already_replayed: int
    impossible: Annotated[dict[str, int], Meta(description="By why they cannot go back")]
    complete: Annotated[bool, Meta(description="false: the limit was reached, there may be more")]


REFUSALS = {400: "A value is not as expected"}

OPERATIONS = (
    Operation(
        "get",
        "/dead-letters",
        TAG,
        "The newest records that could not be used",
        parameters=(
            Parameter("stage", "Only of this stage"),
            Parameter("reason", "Only for this reason"),
            Parameter("topic", "Only those that came from this topic"),
            Parameter("from", "Not before this instant", DATE_TIME),
            Parameter("to", "Before this instant", DATE_TIME),
            Parameter("limit", "At most so many", whole_number(1, 1_000, 100)),
        ),
        answer=Content(schema=DeadLetterList),
        refusals=REFUSALS,
        guarded=True,
    ),
    Operation(
        "get",
        "/dead-letters/{partition}/{offset}",
        TAG,
        "All of one dead letter",
        parameters=(
            path_parameter("partition", "Its partition", 0),
            path_parameter("offset", "Its offset", 0),
        ),
        answer=Content(schema=DeadLetterPage),
        refusals={**REFUSALS, 404: "There is none"},
        guarded=True,
    ),
    Operation(
        "post",
        "/dead-letters/replay",
        TAG,
        "Send dead letters back to where they came from, none twice",
        body=(Content(schema=ReplayWish, example={"reason": "not_json", "limit": 100}),),
        answer=Content(schema=ReplayAnswer),
        refusals={**REFUSALS, 409: "Another replay has begun meanwhile"},
        guarded=True,
    ),
)
