"""Dead letters over HTTP: their list, all of one, and a replay."""

from http import HTTPStatus
from typing import Annotated

from aiohttp.web import Request
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.dead_letters.came_back import replay_and_watch
from dataflow.dead_letters.json_views import DeadLetterList, DeadLetterPage, list_of_letters, page_of_letter
from dataflow.dead_letters.letter import LetterFilter
from dataflow.dead_letters.replay import AnotherReplay, replay
from dataflow.dead_letters.selection import ReplayResult, preview_replay
from dataflow.errors import Reason
from dataflow.http_error import HttpError, bad_value, not_found
from dataflow.web.author import author_of
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.parameter import NoParameters, about, named
from dataflow.web.route import Content, Routes
from dataflow.web.table_request import Instant, ms_of

routes = Routes("Dead letters")

ERRORS = {400: "A value is not as expected"}
MOST_REPLAYED = 10_000
MOST_WAIT_SECONDS = 30
PLACES = "a list of pairs, each a partition and an offset, such as [[3, 1207]]"


class LetterRequest(NoParameters, kw_only=True):
    """Which dead letters."""

    stage: Annotated[str | None, about("Only dead letters of this stage")] = None
    reason: Annotated[Reason | None, about("Only dead letters with this reason")] = None
    topic: Annotated[str | None, about("Only dead letters that came from this topic")] = None
    start: Annotated[Instant | None, about("Written at or after this instant")] = named("from")
    end: Annotated[Instant | None, about("Written before this instant")] = named("to")

    def letter_filter(self, places: list[tuple[int, int]] | None = None) -> LetterFilter:
        """Return the filter for these letters; raise `HttpError` if no letter can be in the range."""
        start_ms, end_ms = ms_of(self.start), ms_of(self.end)
        if start_ms is not None and end_ms is not None and start_ms >= end_ms:
            raise bad_value("from", str(self.start), f"an instant before to, which is {self.end}")
        only = None if places is None else frozenset(places)
        return LetterFilter(self.stage, self.reason, self.topic, start_ms, end_ms, only)


class ListRequest(LetterRequest, kw_only=True):
    """Which dead letters, and how many."""

    limit: Annotated[int, about("At most so many"), Meta(ge=1, le=1_000)] = 100


class ReplayRequest(LetterRequest, kw_only=True):
    """Which dead letters are to be sent back to their topics."""

    places: Annotated[
        list[tuple[int, int]] | None, Meta(description="Partitions and offsets", title=PLACES)
    ] = None
    limit: Annotated[int, Meta(ge=1, le=MOST_REPLAYED)] = MOST_REPLAYED


class ReplayParameters(NoParameters):
    """Whether letters are sent back, and how long their way is watched."""

    dry_run: Annotated[bool, about("Only say what would be sent back, without doing it")] = False
    wait_seconds: Annotated[
        float,
        about("How long to wait until the workers have read them, to say which became dead letters again"),
        Meta(ge=0, le=MOST_WAIT_SECONDS),
    ] = 0


class PlaceRequest(NoParameters):
    """One dead letter."""

    partition: Annotated[int, about("Its partition", example=0), Meta(ge=0, le=2**31)]
    offset: Annotated[int, about("Its offset", example=0), Meta(ge=0, le=2**62)]


def sheet_of(answer: DeadLetterList) -> Sheet:
    """Return a row for each letter."""
    return Sheet("dead-letters", rows_of(answer.dead_letters), answer.complete)


@routes("get", "/dead-letters", AccessRole.EDIT, sheet=sheet_of, errors=ERRORS)
async def list_letters(request: ListRequest) -> DeadLetterList:
    """The newest records that could not be used."""
    return await list_of_letters(app.context.connection, request.letter_filter(), request.limit)


@routes(
    "get",
    "/dead-letters/{partition}/{offset}",
    AccessRole.EDIT,
    errors={**ERRORS, 404: "There is no such dead letter"},
)
async def show_letter(request: PlaceRequest) -> DeadLetterPage:
    """One dead letter with all its fields."""
    page = await page_of_letter(app.context.connection, (request.partition, request.offset))
    if page is None:
        place = f"{request.partition}/{request.offset}"
        raise not_found("dead letter", place, "one that /dead-letters lists")
    return page


@routes(
    "post",
    "/dead-letters/replay",
    AccessRole.EDIT,
    body=[Content(example={"reason": "not_json", "limit": 100})],
    max_body_bytes=1 << 20,
    errors={**ERRORS, 409: "Another replay has begun in the meantime", 413: "The body is too large"},
)
async def replay_letters(request: ReplayParameters, body: ReplayRequest, http: Request) -> ReplayResult:
    """Send dead letters back to the topics they came from, none of them twice."""
    letters, author = body.letter_filter(body.places), author_of(http)
    connection, app_id = app.context.connection, app.settings.app_id
    if request.dry_run:
        return await preview_replay(connection, letters, body.limit)
    try:
        return await replay_and_watch(
            connection,
            app_id,
            request.wait_seconds,
            lambda: replay(connection, app_id, letters, author, body.limit),
        )
    except AnotherReplay as error:
        raise HttpError(HTTPStatus.CONFLICT, str(error)) from error
