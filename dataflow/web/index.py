"""Pages, the same for everyone, with their files; one of them shows the OpenAPI document."""

import gzip
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePath
from typing import Annotated

import msgspec
from aiohttp.web import Request, Response

from dataflow.access.identity import AccessRole
from dataflow.http_error import not_found
from dataflow.web.edge import json_response
from dataflow.web.openapi import document
from dataflow.web.parameter import about
from dataflow.web.route import Content, Route, Routes

FILES = {file.name: file.read_bytes() for file in files("dataflow.web").joinpath("static").iterdir()}
VERSION = sha256(b"".join(FILES[name] for name in sorted(FILES))).hexdigest()[:12]
PAGES = {
    name: file.replace(b"{version}", VERSION.encode())
    for name, file in FILES.items()
    if name.endswith(".html")
}

# What a machine thinks of .js differs, and browsers insist.
KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

KEPT = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"

PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

routes = Routes("Pages")

HTML = Content("text/html", {"type": "string"})


class FileRequest(msgspec.Struct):
    """A file of the pages; the query is ignored."""

    version: Annotated[str, about("Version of the file, which may be cached for good", example="any")]
    name: Annotated[str, about("Its name", example="page.css")]


@routes("get", "/", AccessRole.EVERYBODY, answer=HTML)
async def index(http: Request) -> Response:
    """The dashboard."""
    return page_of(http, "index.html")


# Where browsers look for one that show JSON.
@routes("get", "/favicon.ico", AccessRole.EVERYBODY, answer=Content("image/svg+xml", {"type": "string"}))
async def favicon(http: Request) -> Response:
    """The icon."""
    return _file(http, FILES["icon.svg"], ".svg", ASKED_AGAIN)


@routes(
    "get",
    "/static/{version}/{name}",
    AccessRole.EVERYBODY,
    answer=Content("text/css", {"type": "string"}),
    errors={404: "There is no such file"},
)
async def static(request: FileRequest, http: Request) -> Response:
    """A file of the pages."""
    if request.name not in FILES or request.name in PAGES:
        raise not_found("file", request.name, "one that the page names")
    cache = KEPT if request.version == VERSION else ASKED_AGAIN
    return _file(http, FILES[request.name], PurePath(request.name).suffix, cache)


def page_of(http: Request, name: str) -> Response:
    """Answer with a page."""
    return _file(http, PAGES[name], ".html", ASKED_AGAIN)


def _file(http: Request, body: bytes, suffix: str, cache: str) -> Response:
    tag = f'"{VERSION}"'
    headers = {"Cache-Control": cache, "ETag": tag, "Content-Security-Policy": PAGE_POLICY}
    headers["Vary"] = "Accept-Encoding"
    if tag in http.headers.get("If-None-Match", ""):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if "gzip" in http.headers.get("Accept-Encoding", ""):
        body = _packed(body)
        headers["Content-Encoding"] = "gzip"
    return Response(body=body, headers={**headers, "Content-Type": f"{KINDS[suffix]}; charset=utf-8"})


@cache
def _packed(body: bytes) -> bytes:
    """Return a file as it travels; there are few, and all are the same for everyone."""
    return gzip.compress(body, mtime=0)


def routes_about(others: Sequence[Route]) -> Routes:
    """Return the routes that describe these others, and themselves."""
    routes = Routes("Pages")

    @cache
    def encoded() -> bytes:
        return document([*others, *routes])

    @routes("get", "/docs", AccessRole.EVERYBODY, answer=HTML)
    async def docs(http: Request) -> Response:
        """This document, as a page."""
        return page_of(http, "docs.html")

    @routes("get", "/openapi.json", AccessRole.READ)
    async def openapi() -> Response:
        """This document."""
        return json_response(encoded())

    return routes
