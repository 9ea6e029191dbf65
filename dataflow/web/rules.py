"""Rules over HTTP: the filter rules and the UTM sources, a change of either, and a dry run of rules."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from aiohttp.web import Request, Response
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.errors import DataflowError, Misconfigured
from dataflow.http_error import HttpError, quoted, unavailable, unknown_name
from dataflow.kafka.errors import KafkaError
from dataflow.rules.dry_run import MOST_RECORDS, try_lines, try_topic
from dataflow.rules.follower import Follower
from dataflow.rules.outputs import put_document
from dataflow.rules.version import Authorship, Version, VersionConflict
from dataflow.small_files import MOST_DOCUMENT_BYTES
from dataflow.stages.filter_document import read_document
from dataflow.stages.filter_dry_run import DryRun
from dataflow.stages.filter_rules import FilterRules
from dataflow.web.answer import Answer
from dataflow.web.author import author_of
from dataflow.web.edge import JSON
from dataflow.web.json_schema import Json
from dataflow.web.json_texts import TEXTS, texts_of
from dataflow.web.owners import Workers, tell_owners
from dataflow.web.parameter import NoParameters, about, named
from dataflow.web.route import Content, Reply, Routes, View
from dataflow.web.topics import topic_rows

routes = Routes("Rules")

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

IN_USE_SECONDS = 5.0
"""A change is answered when this worker uses it, or after so long."""

READ_ERRORS = {304: "The version is still this one", 400: "This route has no parameters"}
READ_ERRORS |= {503: "This worker does not need it, or its topic has no leader"}
PUT_ERRORS = {
    400: "The document is not valid, and nothing has changed; the error says what was expected",
    412: "Somebody else has changed it in the meantime",
    413: "The document is too large",
    428: "If-Match is missing",
    503: "The topic that keeps the versions cannot be read, or takes nothing, for now",
}

IF_MATCH = about("ETag of the version that you change, or *", place="header", required=True, example='"7"')
IF_NONE_MATCH = about("ETag of the version that you already have", place="header")
_ETAG = re.compile(r'"([0-9]{1,18})"')


class IfNoneMatch(NoParameters):
    """Which version is known already."""

    etag: Annotated[str | None, IF_NONE_MATCH] = named("If-None-Match")


class IfMatch(NoParameters):
    """Which version is to be changed."""

    etag: Annotated[str | None, IF_MATCH] = named("If-Match")


class Written(Answer):
    """The version that is in use now."""

    version: int


class VersionsRequest(NoParameters):
    """Of which workers."""

    workers: Workers = "all"


class VersionsInUse(Answer):
    """The version that each worker uses, by its address."""

    filter_rules: dict[str, int]
    utm_sources: dict[str, int]


class DryRunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Lines, or a topic and how many of its last records; without `rules` those in use are tried."""

    rules: Annotated[msgspec.Raw, Meta(extra_json_schema=RULES)] | msgspec.UnsetType = msgspec.UNSET
    lines: Annotated[msgspec.Raw, Meta(extra_json_schema=TEXTS)] | msgspec.UnsetType = msgspec.UNSET
    topic: str | None = None
    last: Annotated[int, Meta(ge=1, le=MOST_RECORDS)] = 10_000


def _read(path: str, schema: Json) -> Callable[[View], View]:
    about_tag, content = "The ETag is their version.", Content(schema=schema)
    return routes("get", path, AccessRole.READ, description=about_tag, answer=content, errors=READ_ERRORS)


def _change(path: str, schema: Json, example: object) -> Callable[[View], View]:
    body, role = [Content(schema=schema, example=example)], AccessRole.EDIT
    return routes("put", path, role, body=body, max_body_bytes=MOST_DOCUMENT_BYTES, errors=PUT_ERRORS)


@_read("/rules", RULES)
async def show_rules(request: IfNoneMatch) -> Response:
    """The filter rules that this worker uses."""
    return _show(request, app.context.filter_rules)


@_change("/rules", RULES, A_RULE)
async def put_rules(request: IfMatch, body: bytes, http: Request) -> Reply[Written]:
    """Change the filter rules of all workers."""
    return await _put(request, body, app.context.filter_rules, author_of(http))


@routes("get", "/rules/versions", AccessRole.READ, errors={503: "A worker has not answered"})
async def show_versions(request: VersionsRequest) -> VersionsInUse:
    """Which versions of the documents the workers use; they differ only for a moment."""
    answer = VersionsInUse({}, {})
    rules, sources = app.context.filter_rules, app.context.utm_sources
    for follower, in_use in ((rules, answer.filter_rules), (sources, answer.utm_sources)):
        if follower.version is not None:
            in_use[app.queries.own_url] = follower.version.number
    if request.workers == "all":
        path = "/rules/versions?workers=this"
        for other in await tell_owners(app.topology.sources, path, "GET", VersionsInUse):
            answer.filter_rules |= other.filter_rules
            answer.utm_sources |= other.utm_sources
    return answer


@routes(
    "post",
    "/rules/dry-run",
    AccessRole.EDIT,
    description="It runs them on lines, or on the last records of a topic; without `rules` those in use.",
    body=[Content(example={"rules": A_RULE, "topic": "cdn-logs", "last": 1_000})],
    max_body_bytes=64 << 20,
    errors={
        400: "The body does not describe a dry run",
        404: "There is no such topic",
        413: "The body is too large",
    },
)
async def dry_run_rules(_request: NoParameters, body: DryRunRequest) -> DryRun:
    """Try rules without changing anything."""
    if (body.lines is msgspec.UNSET) == (body.topic is None):
        raise HttpError(HTTPStatus.BAD_REQUEST, "body has lines and topic, or neither; expected one of them")
    try:
        raw = _version(app.context.filter_rules).raw if body.rules is msgspec.UNSET else bytes(body.rules)
        rules = read_document(raw, "rules")
    except Misconfigured as fault:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
    if body.lines is not msgspec.UNSET:
        return await try_lines(rules, texts_of("lines", bytes(body.lines)))
    return await _try_topic(rules, body.topic or "", body.last)


@_read("/utm-sources", SOURCES)
async def show_sources(request: IfNoneMatch) -> Response:
    """The UTM sources that this worker uses."""
    return _show(request, app.context.utm_sources)


@_change("/utm-sources", SOURCES, {"google": "search_engine"})
async def put_sources(request: IfMatch, body: bytes, http: Request) -> Reply[Written]:
    """Change the UTM sources of all workers."""
    return await _put(request, body, app.context.utm_sources, author_of(http))


def _show(request: IfNoneMatch, follower: Follower[Any]) -> Response:
    version = _version(follower)
    headers = {"ETag": f'"{version.number}"', "Cache-Control": "no-cache"}
    if request.etag == headers["ETag"]:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body=version.raw, content_type=JSON, headers=headers)


def _version(follower: Follower[Any]) -> Version:
    if follower.version is None:
        document = follower.document
        expected = f"one that needs them, and topic {document.topic} with a leader"
        raise unavailable(f"{document.name} are not read by this worker; expected {expected}")
    return follower.version


async def _put(request: IfMatch, raw: bytes, follower: Follower[Any], author: str) -> Reply[Written]:
    document = follower.document
    follows = followed(request.etag, document.name)
    connection, app_id, by = follower.connection, follower.app_id, Authorship(author)
    return await written(follower, put_document(connection, app_id, document, raw, follows=follows, by=by))


async def written(follower: Follower[Any], change: Awaitable[Version]) -> Reply[Written]:
    """Return the answer to a change, once this worker uses it; raise `HttpError` for a refused one."""
    try:
        version = await change
    except Misconfigured as fault:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
    except VersionConflict as error:
        raise HttpError(HTTPStatus.PRECONDITION_FAILED, str(error)) from error
    await follower.wait_for(version.number, IN_USE_SECONDS)
    return Reply(msgspec.json.encode(Written(version.number)), {"ETag": f'"{version.number}"'})


def followed(if_match: str | None, name: str) -> int | None:
    """Return the number of the version that is to be changed, None for whichever; raise `HttpError`."""
    if if_match is None:
        raise HttpError(
            HTTPStatus.PRECONDITION_REQUIRED,
            f"If-Match is missing; expected the ETag of the {name} that are to be changed, or *",
        )
    etag = _ETAG.fullmatch(if_match.strip())
    if etag is None and if_match.strip() != "*":
        raise HttpError(HTTPStatus.PRECONDITION_FAILED, f"If-Match is {quoted(if_match)}; expected an ETag")
    return None if etag is None else int(etag[1])


async def _try_topic(rules: FilterRules, topic: str, count: int) -> DryRun:
    """Try the last records of a topic that `/topics` lists: the answer shows some of them."""
    listed = [row.name for row in topic_rows()]
    if topic not in listed:
        raise unknown_name("topic", topic, listed)
    try:
        return await try_topic(rules, app.context.connection, topic, count)
    except KafkaError:
        raise
    except DataflowError as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error
