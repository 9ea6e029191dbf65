"""Routes: each declared once, beside its view; aiohttp serves it and OpenAPI describes it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, get_args, get_origin, get_type_hints

import msgspec
from aiohttp.web import AbstractRouteDef, Request, RouteDef, StreamResponse, UrlDispatcher
from aiohttp.web_urldispatcher import AbstractRoute

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.web.body import read_body, read_json_body, refuse_forms
from dataflow.web.csv_sheet import FormatRequest, SheetOf, sheet_response
from dataflow.web.edge import json_response, kept_response
from dataflow.web.json_schema import Json
from dataflow.web.parameter import Parameter, parameters_of, read_parameters

A = TypeVar("A")

View = Callable[..., Awaitable[object]]
Method = Literal["get", "put", "post", "delete"]

BODY_SECONDS = 30.0
LARGE_BODY_BYTES = 64 << 10
"""Larger JSON bodies are decoded in a thread: batches cannot wait."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[A]):
    """An answer `A` as it goes out, with headers of its own."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its media type, its schema where no type of a view says it, and an example."""

    media: str = "application/json"
    schema: Json | type[msgspec.Struct] | None = None
    example: object = None


class Options(TypedDict, total=False):
    """What a route may declare beside its path; the fields of `Route` of these names."""

    description: str
    body: Sequence[Content]
    max_body_bytes: int
    answer: Content
    status: HTTPStatus
    errors: Mapping[int, str]
    stream: str
    has_etag: bool
    sheet: SheetOf


@dataclass(frozen=True)
class Route(AbstractRouteDef):
    """One method of one path.

    The view takes what it needs of: the aiohttp request as `http`, the body as `body` (bytes, or a struct
    of JSON), and path, query and headers as a struct. It returns a struct, a `Reply` or a response.
    """

    method: Method
    pattern: str
    role: AccessRole
    """What clients have to be."""
    tag: str
    view: View
    """Its docstring is what OpenAPI says of the route."""
    description: str = ""
    body: Sequence[Content] = ()
    """How a body may be written; the view's type of `body` is the schema of one without."""
    max_body_bytes: int = 0
    answer: Content = Content()
    """How the answer is written; the type that the view returns is the schema of one without."""
    status: HTTPStatus = HTTPStatus.OK
    errors: Mapping[int, str] = field(default_factory=dict)
    """When it answers which status beyond `status`."""
    stream: str | None = None
    """The stream whose events it takes, where no parameter `stream` says so."""
    has_etag: bool = False
    """Whether clients may keep the answer, and ask whether it is still so."""
    sheet: SheetOf | None = None
    """Returns the rows of the answer, where it has some: they are answered as CSV, too."""

    @property
    def path(self) -> str:
        """The path as people write it."""
        return re.sub(r"{(\w+):[^}]*}", r"{\1}", self.pattern)

    @property
    def summary(self) -> str:
        """What it answers, or does."""
        return (self.view.__doc__ or "").removesuffix(".")

    @cached_property
    def types(self) -> Mapping[str, Any]:
        """The types of what the view takes, by name, and as `return` of what it returns."""
        return get_type_hints(self.view, include_extras=True)

    @cached_property
    def parameters(self) -> Mapping[str, Sequence[Parameter]]:
        """What path, query and headers hold, by the name under which the view takes it."""
        names = self.types.keys() - {"http", "body", "return"}
        return {name: parameters_of(self.types[name], self.path) for name in names}

    @cached_property
    def format_parameters(self) -> Sequence[Parameter]:
        """What says how the answer is written."""
        return () if self.sheet is None else parameters_of(FormatRequest, self.path)

    @property
    def answer_type(self) -> type[msgspec.Struct] | None:
        """The type of the answer; None for a view that makes its own response."""
        returned = self.types["return"]
        if get_origin(returned) is Reply:
            [returned] = get_args(returned)
        return returned if issubclass(returned, msgspec.Struct) else None

    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        """Serve it; a GET answers HEAD, too."""
        return RouteDef(self.method.upper(), self.pattern, self.respond, {}).register(router)

    async def respond(self, http: Request) -> StreamResponse:
        """Answer a request."""
        if self.method != "get" and self.role is not AccessRole.SEND:  # senders are mostly curl
            refuse_forms(http)
        query, is_csv = self._query(http)
        arguments = self.arguments(query, http.match_info, http.headers)
        if "http" in self.types:
            arguments["http"] = http
        if "body" not in self.types:
            answer = await self.view(**arguments)
            return (
                sheet_response(self.sheet(answer)) if self.sheet and is_csv else self._response(http, answer)
            )
        with app.context.receiver.in_flight() as hold:
            raw = await read_body(http, hold, most_bytes=self.max_body_bytes, seconds=BODY_SECONDS)
            arguments["body"] = await self._decoded(raw)
            return self._response(http, await self.view(**arguments))

    def _query(self, http: Request) -> tuple[list[tuple[str, str]], bool]:
        """Return the query without what says how the answer is written, and whether that is as CSV."""
        names = {parameter.name for parameter in self.format_parameters}
        query = list(http.query.items())
        own = [pair for pair in query if pair[0] in names]
        chosen = read_parameters(FormatRequest, self.format_parameters, own, {}, {})
        return [pair for pair in query if pair[0] not in names], chosen.format == "csv"

    def arguments(
        self, query: Iterable[tuple[str, str]], path: Mapping[str, str], headers: Mapping[str, str]
    ) -> dict[str, object]:
        """Return what the view takes of path, query and headers; raise `HttpError` for what is wrong."""
        query = list(query)
        return {
            name: read_parameters(self.types[name], parameters, query, path, headers)
            for name, parameters in self.parameters.items()
        }

    async def _decoded(self, raw: bytes) -> object:
        body_type = self.types["body"]
        if body_type is bytes:
            return raw
        if len(raw) > LARGE_BODY_BYTES:
            return await asyncio.to_thread(read_json_body, raw, body_type)
        return read_json_body(raw, body_type)

    def _response(self, http: Request, answer: object) -> StreamResponse:
        if isinstance(answer, StreamResponse):
            return answer
        reply: Reply[object] = answer if isinstance(answer, Reply) else Reply(msgspec.json.encode(answer))
        if self.has_etag:
            return kept_response(http, reply.body)
        return json_response(reply.body, self.status, reply.headers)


class Routes:
    """The routes of one resource; `@routes("get", path, ...)` declares a view."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        """Iterate in the order of declaration."""
        return iter(self._routes)

    def __call__(
        self, method: Method, path: str, role: AccessRole, **options: Unpack[Options]
    ) -> Callable[[View], View]:
        """Declare a view."""

        def declare(view: View) -> View:
            self._routes.append(Route(method, path, role, self._tag, view, **options))
            return view

        return declare
