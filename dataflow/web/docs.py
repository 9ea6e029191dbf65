"""Documentation: the OpenAPI document, and a page that shows it and tries its routes."""

from collections.abc import Sequence
from functools import cache

from aiohttp.web import Request, Response

from dataflow.web.index import HTML, page_of
from dataflow.web.openapi import document
from dataflow.web.reply import json_response
from dataflow.web.route import Route, Routes


def routes_about(others: Sequence[Route]) -> Routes:
    """Return the routes that describe these others, and themselves."""
    routes = Routes("Pages")

    @cache
    def encoded() -> bytes:
        return document([*others, *routes])

    @routes("get", "/docs", "This document, as a page", answer=HTML)
    async def docs(http: Request) -> Response:
        """Answer with the page."""
        return page_of(http, "docs.html")

    @routes("get", "/openapi.json", "This document")
    async def openapi() -> Response:
        """Answer with what every route takes and answers."""
        return json_response(encoded())

    return routes
