"""Rules: the filter rules and the UTM sources as they are, a change of either, or a trial of rules out."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import orjson
from aiohttp import hdrs
from aiohttp.web import Request, Response, RouteTableDef
from aiokafka.errors import KafkaError

from dataflow.app import app
from dataflow.errors import DataflowError, Misconfigured
from dataflow.http_error import HttpError, quoted, unavailable
from dataflow.rules.dry_run import MOST_RECORDS, last_records, try_lines
from dataflow.rules.follower import Follower
from dataflow.rules.outputs import check_outputs
from dataflow.rules.version import Version
from dataflow.rules.version_writer import VersionConflict, put_version
from dataflow.sources.in_flight import HeldBytes
from dataflow.stages.filter_document import MOST_BYTES, read_document
from dataflow.web.body import read_body
from dataflow.web.parameters import single_values
from dataflow.web.reply import JSON, UNKEPT
from dataflow.web.require_role import AccessRole, require_role

routes = RouteTableDef()

MOST_TRIAL_BYTES = 64 << 20
BODY_SECONDS = 30.0
IN_USE_SECONDS = 5.0
"""A change is answered when this worker has taken it over, or after so long."""

_ETAG = re.compile(r'"([0-9]{1,18})"')


class TrialWish(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST /rules/dry-run` may say: lines, or a topic and how many of its last records."""

    rules: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """Without any, those in use."""
    lines: list[str] | None = None
    topic: str | None = None
    last: int = 10_000


@routes.get("/rules")
async def show_rules(request: Request) -> Response:
    """Answer with the filter rules that this worker uses; the ETag is their version."""
    return _show(request, app.context.filter_rules)


@routes.get("/utm-sources")
async def show_sources(request: Request) -> Response:
    """Answer with the UTM sources that this worker uses; the ETag is their version."""
    return _show(request, app.context.utm_sources)


@routes.put("/rules")
@require_role(AccessRole.EDIT)
async def put_rules(request: Request) -> Response:
    """Change the filter rules of all workers."""
    return await _put(request, app.context.filter_rules, _check_outputs)


@routes.put("/utm-sources")
@require_role(AccessRole.EDIT)
async def put_sources(request: Request) -> Response:
    """Change the UTM sources of all workers."""
    return await _put(request, app.context.utm_sources)


@routes.post("/rules/dry-run")
@require_role(AccessRole.EDIT)
async def dry_run(request: Request) -> Response:
    """Answer what rules would drop, and by which rule; nothing is changed or sent."""
    single_values(request.query.items(), known=())
    wish = await asyncio.to_thread(_wish, await _body(request, MOST_TRIAL_BYTES))
    try:
        raw = _version(app.context.filter_rules).raw if wish.rules is msgspec.UNSET else bytes(wish.rules)
        rules = read_document(raw, "rules")
    except Misconfigured as fault:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
    if wish.lines is not None:
        dry_run = await try_lines(rules, (line.encode(errors="surrogatepass") for line in wish.lines))
    else:
        dry_run = await try_lines(rules, await _last_records(wish))
    return _answer(dry_run.as_json())


def _show(request: Request, follower: Follower[Any]) -> Response:
    single_values(request.query.items(), known=())
    version = _version(follower)
    headers = {"ETag": f'"{version.number}"', "Cache-Control": "no-cache"}
    if request.headers.get(hdrs.IF_NONE_MATCH) == headers["ETag"]:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body=version.raw, content_type=JSON, headers=headers)


def _version(follower: Follower[Any]) -> Version:
    if follower.version is None:
        raise unavailable(f"{follower.document.name} are not read by this worker; expected one that filters")
    return follower.version


async def _check_outputs(raw: bytes) -> None:
    await check_outputs(app.context.connection, read_document(raw, "rules"))


async def _put(
    request: Request, follower: Follower[Any], check: Callable[[bytes], Awaitable[None]] | None = None
) -> Response:
    single_values(request.query.items(), known=())
    follows = _followed(request.headers.get(hdrs.IF_MATCH), follower.document.name)
    raw = await _body(request, MOST_BYTES)
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
    return _answer({"version": version.number}, {"ETag": f'"{version.number}"'})


def _followed(if_match: str | None, name: str) -> int | None:
    if if_match is None:
        raise HttpError(
            HTTPStatus.PRECONDITION_REQUIRED,
            f"If-Match is missing; expected the ETag of the {name} that are to be changed, or *",
        )
    found = _ETAG.fullmatch(if_match.strip())
    if found is None and if_match.strip() != "*":
        raise HttpError(HTTPStatus.PRECONDITION_FAILED, f"If-Match is {quoted(if_match)}; expected an ETag")
    return None if found is None else int(found[1])


async def _body(request: Request, most_bytes: int) -> bytes:
    with HeldBytes(app.context.receiver.in_flight) as held:
        return await read_body(request, held, most_bytes=most_bytes, seconds=BODY_SECONDS)


def _wish(body: bytes) -> TrialWish:
    try:
        wish = msgspec.json.decode(body, type=TrialWish)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"body is no trial: {error}") from error
    if (wish.lines is None) == (wish.topic is None):
        raise HttpError(HTTPStatus.BAD_REQUEST, "body has lines and topic, or neither; expected one of them")
    if not 1 <= wish.last <= MOST_RECORDS:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"last is {wish.last}; expected 1 to {MOST_RECORDS}")
    return wish


async def _last_records(wish: TrialWish) -> list[bytes | None]:
    try:
        return await last_records(app.context.connection, wish.topic or "", wish.last)
    except KafkaError:
        raise
    except DataflowError as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error


def _answer(content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    return Response(body=orjson.dumps(content), content_type=JSON, headers={**UNKEPT, **(headers or {})})
