"""Documentation: the OpenAPI document, and a page that shows it and asks what it tells of, out."""

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.web.index import page_of
from dataflow.web.openapi.document import document
from dataflow.web.reply import json_bytes

routes = RouteTableDef()


@routes.get("/openapi.json")
async def openapi(_request: Request) -> Response:
    """Answer with what every route takes and answers."""
    return json_bytes(document())


@routes.get("/docs")
async def docs(request: Request) -> Response:
    """Answer with the page."""
    return page_of(request, "docs.html")
