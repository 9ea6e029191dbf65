"""Documentation: the OpenAPI document, and a page that shows it and asks what it tells of, out."""

from faust.web import Request, Response, View

from dataflow.app import app
from dataflow.web.index import page_of
from dataflow.web.openapi.document import document
from dataflow.web.reply import json_bytes


@app.page("/openapi.json")
async def openapi(view: View, _request: Request) -> Response:
    """Answer with what every route takes and answers."""
    return json_bytes(view, document())


@app.page("/docs")
async def docs(view: View, request: Request) -> Response:
    """Answer with the page."""
    return page_of(view, request, "docs.html")
