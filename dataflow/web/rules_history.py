"""History of rules over HTTP, and of UTM sources: who wrote each version, one of them, the way back to it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp.web import Request, Response
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.http_error import HttpError
from dataflow.rules.follower import Follower
from dataflow.rules.history import UnknownVersion, VersionRow, read_history, revert, version_numbered
from dataflow.rules.version import Version
from dataflow.web.answer import Answer
from dataflow.web.author import author_of
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.edge import JSON
from dataflow.web.parameter import NoParameters, about, named
from dataflow.web.route import Content, Reply, Routes, View
from dataflow.web.rules import IF_MATCH, PUT_ERRORS, RULES, SOURCES, Written, followed, written

routes = Routes("Rules")

AWAY = {503: "Kafka is away"}
LOG_ERRORS = {400: "The limit is not as expected", **AWAY}
UNKNOWN = {
    404: "There is no such version, or it is not kept any more; the error names those that are kept",
    **AWAY,
}


class LogRequest(NoParameters):
    """How many versions."""

    limit: Annotated[int, about("How many at most, from the newest"), Meta(ge=1, le=1_000)] = 50


class VersionsKept(Answer):
    """The newest versions, the newest first, which is in use."""

    versions: list[VersionRow]

    def sheet(self) -> Sheet:
        """Return a row for each version."""
        return Sheet("versions", rows_of(self.versions))


class VersionRequest(NoParameters):
    """Which version."""

    number: Annotated[
        int, about("Number of the version; 0: before the first", example=0), Meta(ge=0, le=2**62)
    ]


class RevertRequest(NoParameters, kw_only=True):
    """Which version is to be in use again, in the place of which."""

    number: Annotated[
        int, about("Number of the version; 0: before the first", example=0), Meta(ge=0, le=2**62)
    ]
    etag: Annotated[str | None, IF_MATCH] = named("If-Match")


def _revert(path: str) -> Callable[[View], View]:
    about_it = "It is written as a new version."
    return routes("post", path, AccessRole.EDIT, description=about_it, errors={**PUT_ERRORS, **UNKNOWN})


@routes("get", "/rules/log", AccessRole.READ, sheet=VersionsKept.sheet, errors=LOG_ERRORS)
async def log_of_rules(request: LogRequest) -> VersionsKept:
    """Who wrote which version of the filter rules, and when."""
    return await _log(request, app.context.filter_rules)


@routes("get", "/rules/versions/{number}", AccessRole.READ, answer=Content(schema=RULES), errors=UNKNOWN)
async def show_rules_version(request: VersionRequest) -> Response:
    """The filter rules of one version."""
    return await _show(request, app.context.filter_rules)


@_revert("/rules/versions/{number}/revert")
async def revert_rules(request: RevertRequest, http: Request) -> Reply[Written]:
    """Make all workers use an earlier version of the filter rules again."""
    return await _go_back(request, app.context.filter_rules, author_of(http))


@routes("get", "/utm-sources/log", AccessRole.READ, sheet=VersionsKept.sheet, errors=LOG_ERRORS)
async def log_of_sources(request: LogRequest) -> VersionsKept:
    """Who wrote which version of the UTM sources, and when."""
    return await _log(request, app.context.utm_sources)


@routes(
    "get", "/utm-sources/versions/{number}", AccessRole.READ, answer=Content(schema=SOURCES), errors=UNKNOWN
)
async def show_sources_version(request: VersionRequest) -> Response:
    """The UTM sources of one version."""
    return await _show(request, app.context.utm_sources)


@_revert("/utm-sources/versions/{number}/revert")
async def revert_sources(request: RevertRequest, http: Request) -> Reply[Written]:
    """Make all workers use an earlier version of the UTM sources again."""
    return await _go_back(request, app.context.utm_sources, author_of(http))


async def _log(request: LogRequest, follower: Follower[Any]) -> VersionsKept:
    kept = await read_history(follower.connection, follower.document)
    return VersionsKept([VersionRow.of(version) for version in reversed(kept[-request.limit :])])


async def _show(request: VersionRequest, follower: Follower[Any]) -> Response:
    try:
        version = await version_numbered(follower.connection, follower.document, request.number)
    except UnknownVersion as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error
    return Response(body=version.raw, content_type=JSON, headers={"Cache-Control": "no-store"})


async def _go_back(request: RevertRequest, follower: Follower[Any], author: str) -> Reply[Written]:
    follows = followed(request.etag, follower.document.name)

    async def change() -> Version:
        try:
            connection, document = follower.connection, follower.document
            return await revert(connection, follower.app_id, document, request.number, follows, author)
        except UnknownVersion as error:
            raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error

    return await written(follower, change())
