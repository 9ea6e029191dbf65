"""Rules and UTM sources, as OpenAPI tells of them."""

from typing import Annotated

from msgspec import Meta

from dataflow.web.openapi.operation import Answer, Content, Json, Operation, Parameter

TAG = "Rules"


class Written(Answer):
    """The version that is in use now."""

    version: int


class Trial(Answer):
    """What rules would make of lines; `lines` = `kept` + all dropped + all dead-lettered."""

    lines: int
    kept: int
    dropped: Annotated[dict[str, int], Meta(description="By rule")]
    dead_lettered: Annotated[dict[str, int], Meta(description="By reason")]
    outputs: Annotated[dict[str, int], Meta(description="By topic, if outputs are named")]
    examples: Annotated[dict[str, list[str]], Meta(description="The first lines that each rule drops")]
    complete: Annotated[bool, Meta(description="false: the time was up before the last line")]


RULE: Json = {
    "type": "object",
    "description": "Compatible form: `fieldName`, `regex`, `include`, `name`. "
    "Richer form: `name` and `drop` or `keep`, a condition.",
}
RULES: Json = {
    "description": "A list of rules in their order, or an object with rules and outputs",
    "oneOf": [
        {"type": "array", "items": RULE},
        {
            "type": "object",
            "properties": {"rules": {"type": "array", "items": RULE}, "outputs": {"type": "array"}},
        },
    ],
}
SOURCES: Json = {
    "type": "object",
    "description": "Category by utm_source",
    "additionalProperties": {"type": "string"},
}
A_RULE = [{"name": "bots", "fieldName": "UA", "regex": ".*bot.*"}]

IF_NONE_MATCH = Parameter("If-None-Match", "ETag of a version that is known already", place="header")
IF_MATCH = Parameter(
    "If-Match",
    "ETag of the version that is to be changed, or *",
    place="header",
    required=True,
    example='"7"',
)
UNREAD = {304: "The version is still this one", 400: "There are no parameters"}
UNREAD |= {503: "This worker does not filter"}
REFUSALS = {
    400: "The document is bad: rule, key, value and what was expected are named; nothing has changed",
    412: "Somebody else has changed it meanwhile",
    413: "The document is too large",
    428: "If-Match is missing",
}


def _document(path: str, what: str, schema: Json, example: object) -> tuple[Operation, Operation]:
    """Return how a document is read and changed."""
    return (
        Operation(
            "get", path, TAG, f"The {what} that this worker uses", "The ETag is their version.",
            (IF_NONE_MATCH,), answer=Content(schema=schema), refusals=UNREAD,
        ),
        Operation(
            "put", path, TAG, f"Change the {what} of all workers",
            parameters=(IF_MATCH,), body=(Content(schema=schema, example=example),),
            answer=Content(schema=Written), refusals=REFUSALS, guarded=True,
        ),
    )  # fmt: skip


OPERATIONS = (
    *_document("/rules", "filter rules", RULES, A_RULE),
    Operation(
        "post",
        "/rules/dry-run",
        TAG,
        "Try rules; nothing is changed",
        "On lines, or on the last records of a topic; without `rules` those in use.",
        body=(
            Content(
                schema={
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "rules": RULES,
                        "lines": {"type": "array", "items": {"type": "string"}},
                        "topic": {"type": "string"},
                        "last": {"type": "integer", "default": 10_000, "minimum": 1, "maximum": 1_000_000},
                    },
                },
                example={"rules": A_RULE, "topic": "cdn-logs", "last": 1_000},
            ),
        ),
        answer=Content(schema=Trial),
        refusals={
            400: "The body is no trial",
            404: "There is no such topic",
            413: "The body is too large",
        },
        guarded=True,
    ),
    *_document("/utm-sources", "UTM sources", SOURCES, {"google": "search_engine"}),
)
