"""Rules over HTTP: the filter rules and the UTM sources, a change of either, and a dry run of rules."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from aiohttp.web import Response
from msgspec import Meta

from dataflow.app import app
from dataflow.errors import DataflowError, Misconfigured
from dataflow.http_error import HttpError, quoted, unavailable
from dataflow.kafka.errors import KafkaError
from dataflow.rules.dry_run import MOST_RECORDS, last_records, try_lines
from dataflow.rules.follower import Follower
from dataflow.rules.outputs import check_outputs
from dataflow.rules.version import Version
from dataflow.rules.version_topic import VersionConflict, put_version
from dataflow.stages.filter_document import MOST_BYTES, read_document
from dataflow.stages.filter_dry_run import DryRun
from dataflow.web.answer import Answer
from dataflow.web.parameter import NoParameters, about, named
from dataflow.web.reply import JSON
from dataflow.web.require_role import AccessRole
from dataflow.web.route import Content, Reply, Routes
from dataflow.web.rules_schema import A_RULE, RULES, SOURCES

routes = Routes("Rules")

IN_USE_SECONDS = 5.0
"""A change is answered when this worker uses it, or after so long."""

READ_ERRORS = {304: "The version is still this one", 400: "There are no parameters"}
READ_ERRORS |= {503: "This worker does not filter"}
PUT_ERRORS = {
    400: "The document is bad: rule, key, value and what was expected are named; nothing has changed",
    412: "Somebody else has changed it meanwhile",
    413: "The document is too large",
    428: "If-Match is missing",
}

CHANGED = "ETag of the version that is to be changed, or *"
_ETAG = re.compile(r'"([0-9]{1,18})"')


class IfNoneMatch(NoParameters):
    """Which version is known already."""

    etag: Annotated[str | None, about("ETag of a version that is known already", place="header")] = named(
        "If-None-Match"
    )


class IfMatch(NoParameters):
    """Which version is to be changed."""

    etag: Annotated[str | None, about(CHANGED, place="header", required=True, example='"7"')] = named(
        "If-Match"
    )


class Written(Answer):
    """The version that is in use now."""

    version: int


class DryRunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Lines, or a topic and how many of its last records; without `rules` those in use are tried."""

    rules: Annotated[msgspec.Raw, Meta(extra_json_schema=RULES)] | msgspec.UnsetType = msgspec.UNSET
    lines: list[str] | None = None
    topic: str | None = None
    last: Annotated[int, Meta(ge=1, le=MOST_RECORDS)] = 10_000


@routes(
    "get",
    "/rules",
    "The filter rules that this worker uses",
    description="The ETag is their version.",
    answer=Content(schema=RULES),
    errors=READ_ERRORS,
)
async def show_rules(request: IfNoneMatch) -> Response:
    """Answer with the filter rules that this worker uses; the ETag is their version."""
    return _show(request, app.context.filter_rules)


@routes(
    "put",
    "/rules",
    "Change the filter rules of all workers",
    body=[Content(schema=RULES, example=A_RULE)],
    max_body_bytes=MOST_BYTES,
    errors=PUT_ERRORS,
    role=AccessRole.EDIT,
)
async def put_rules(request: IfMatch, body: bytes) -> Reply[Written]:
    """Change the filter rules of all workers."""
    return await _put(request, body, app.context.filter_rules, _check_outputs)


@routes(
    "post",
    "/rules/dry-run",
    "Try rules; nothing is changed",
    description="On lines, or on the last records of a topic; without `rules` those in use.",
    body=[Content(example={"rules": A_RULE, "topic": "cdn-logs", "last": 1_000})],
    max_body_bytes=64 << 20,
    errors={400: "The body is no dry run", 404: "There is no such topic", 413: "The body is too large"},
    role=AccessRole.EDIT,
)
async def dry_run_rules(_request: NoParameters, body: DryRunRequest) -> DryRun:
    """Answer what rules would drop, and by which rule; nothing is changed or sent."""
    if (body.lines is None) == (body.topic is None):
        raise HttpError(HTTPStatus.BAD_REQUEST, "body has lines and topic, or neither; expected one of them")
    try:
        raw = _version(app.context.filter_rules).raw if body.rules is msgspec.UNSET else bytes(body.rules)
        rules = read_document(raw, "rules")
    except Misconfigured as fault:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
    if body.lines is not None:
        return await try_lines(rules, (line.encode(errors="surrogatepass") for line in body.lines))
    return await try_lines(rules, await _last_records(body.topic or "", body.last))


@routes(
    "get",
    "/utm-sources",
    "The UTM sources that this worker uses",
    description="The ETag is their version.",
    answer=Content(schema=SOURCES),
    errors=READ_ERRORS,
)
async def show_sources(request: IfNoneMatch) -> Response:
    """Answer with the UTM sources that this worker uses; the ETag is their version."""
    return _show(request, app.context.utm_sources)


@routes(
    "put",
    "/utm-sources",
    "Change the UTM sources of all workers",
    body=[Content(schema=SOURCES, example={"google": "search_engine"})],
    max_body_bytes=MOST_BYTES,
    errors=PUT_ERRORS,
    role=AccessRole.EDIT,
)
async def put_sources(request: IfMatch, body: bytes) -> Reply[Written]:
    """Change the UTM sources of all workers."""
    return await _put(request, body, app.context.utm_sources)


def _show(request: IfNoneMatch, follower: Follower[Any]) -> Response:
    version = _version(follower)
    headers = {"ETag": f'"{version.number}"', "Cache-Control": "no-cache"}
    if request.etag == headers["ETag"]:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body=version.raw, content_type=JSON, headers=headers)


def _version(follower: Follower[Any]) -> Version:
    if follower.version is None:
        raise unavailable(f"{follower.document.name} are not read by this worker; expected one that filters")
    return follower.version


async def _check_outputs(raw: bytes) -> None:
    await check_outputs(app.context.connection, read_document(raw, "rules"))


async def _put(
    request: IfMatch,
    raw: bytes,
    follower: Follower[Any],
    check: Callable[[bytes], Awaitable[None]] | None = None,
) -> Reply[Written]:
    follows = _followed(request.etag, follower.document.name)
    try:
        follower.document.check(raw, follower.document.name)
        if check is not None:
            await check(raw)
        version = await put_version(follower.connection, follower.app_id, follower.document, raw, follows)
    except Misconfigured as fault:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
    except VersionConflict as error:
        raise HttpError(HTTPStatus.PRECONDITION_FAILED, str(error)) from error
    await follower.wait_for(version.number, IN_USE_SECONDS)
    return Reply(msgspec.json.encode(Written(version.number)), {"ETag": f'"{version.number}"'})


def _followed(if_match: str | None, name: str) -> int | None:
    if if_match is None:
        raise HttpError(
            HTTPStatus.PRECONDITION_REQUIRED,
            f"If-Match is missing; expected the ETag of the {name} that are to be changed, or *",
        )
    etag = _ETAG.fullmatch(if_match.strip())
    if etag is None and if_match.strip() != "*":
        raise HttpError(HTTPStatus.PRECONDITION_FAILED, f"If-Match is {quoted(if_match)}; expected an ETag")
    return None if etag is None else int(etag[1])


async def _last_records(topic: str, count: int) -> list[bytes | None]:
    try:
        return await last_records(app.context.connection, topic, count)
    except KafkaError:
        raise
    except DataflowError as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error
