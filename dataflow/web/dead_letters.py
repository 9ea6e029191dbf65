"""Dead letters: some of them asked for in; their list, one of them, or what became of a replay, out."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import orjson
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.dead_letters.json_views import list_of_letters, page_of_letter
from dataflow.dead_letters.letter_filter import LetterFilter
from dataflow.dead_letters.replay import AnotherReplay, replay
from dataflow.http_error import HttpError, bad_value, not_found
from dataflow.instants import instant_ms
from dataflow.sources.in_flight import HeldBytes
from dataflow.web.body import read_body
from dataflow.web.parameters import single_values
from dataflow.web.reply import JSON, UNKEPT
from dataflow.web.require_role import AccessRole, require_role

routes = RouteTableDef()

SELECTING = ("stage", "reason", "topic", "from", "to", "limit")
MOST_WISH_BYTES, WISH_SECONDS = 1 << 20, 30.0
MOST_LISTED = 1_000
MOST_REPLAYED = 10_000


class Wish(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """What `POST /dead-letters/replay` may say."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    start: str | None = None
    end: str | None = None
    places: list[tuple[int, int]] | None = None
    """Partitions and offsets of dead letters."""
    limit: int = MOST_REPLAYED


@routes.get("/dead-letters")
@require_role(AccessRole.EDIT)
async def list_letters(request: Request) -> Response:
    """Answer with the newest of the dead letters that are asked for."""
    values = single_values(request.query.items(), SELECTING)
    limit = _number("limit", values.pop("limit", "100"), MOST_LISTED)
    letter_filter = LetterFilter(
        values.get("stage"),
        values.get("reason"),
        values.get("topic"),
        _instant("from", values.get("from")),
        _instant("to", values.get("to")),
    )
    return _answer(await list_of_letters(app.context.connection, letter_filter, limit))


@routes.get("/dead-letters/{partition}/{offset}")
@require_role(AccessRole.EDIT)
async def show_letter(request: Request) -> Response:
    """Answer with all of one dead letter."""
    single_values(request.query.items(), known=())
    partition, offset = (request.match_info[name] for name in ("partition", "offset"))
    place = _number("partition", partition, 2**31, 0), _number("offset", offset, 2**62, 0)
    found = await page_of_letter(app.context.connection, place)
    if found is None:
        raise not_found("dead letter", f"{partition}/{offset}", "one that /dead-letters lists")
    return _answer(found)


@routes.post("/dead-letters/replay")
@require_role(AccessRole.EDIT)
async def replay_letters(request: Request) -> Response:
    """Send dead letters back, at most `limit`; what cannot go back is told by why."""
    single_values(request.query.items(), known=())
    wish = await _wish(request)
    letter_filter = LetterFilter(
        wish.stage,
        wish.reason,
        wish.topic,
        _instant("from", wish.start),
        _instant("to", wish.end),
        None if wish.places is None else frozenset(wish.places),
    )
    limit = _number("limit", str(wish.limit), MOST_REPLAYED)
    try:
        told = await replay(app.context.connection, app.settings.app_id, letter_filter, limit)
    except AnotherReplay as error:
        raise HttpError(HTTPStatus.CONFLICT, str(error)) from error
    return _answer(told.as_json())


async def _wish(request: Request) -> Wish:
    try:
        with HeldBytes(app.context.receiver.in_flight) as held:
            body = await read_body(request, held, most_bytes=MOST_WISH_BYTES, seconds=WISH_SECONDS)
        return msgspec.json.decode(body or b"{}", type=Wish)
    except msgspec.DecodeError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"body is no selection: {error}") from error


def _instant(name: str, text: str | None) -> int | None:
    try:
        return None if text is None else instant_ms(text)
    except ValueError:
        raise bad_value(
            name, text or "", "an ISO 8601 date or date-time, UTC where it names no offset"
        ) from None


def _number(name: str, text: str, most: int, least: int = 1) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise bad_value(name, text, f"a whole number from {least} to {most}")
    return int(text)


def _answer(content: Mapping[str, object]) -> Response:
    return Response(body=orjson.dumps(content), content_type=JSON, headers=UNKEPT)
