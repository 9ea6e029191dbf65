"""Queries of other workers: what the partitions of this worker answer; internal."""

from http import HTTPStatus

from aiohttp.web import Response

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.member_data import WorkerProcess, this_process
from dataflow.engine.query import MSGPACK, QUERY_PATH
from dataflow.engine.worker_processes import PROCESS_PATH
from dataflow.errors import UNREADABLE
from dataflow.http_error import HttpError, unavailable
from dataflow.web.health import is_recovering
from dataflow.web.route import Content, Routes

routes = Routes("Workers")

MOST_BYTES = 1 << 20
"""As many keys as an answer may have, of any length."""

ENCODED = Content(MSGPACK, {"type": "string", "format": "binary"})


@routes(
    "get",
    PROCESS_PATH,
    AccessRole.WORKER,
    description="Internal: asked by a worker that has the same address or instance id.",
)
async def show_process() -> WorkerProcess:
    """Which process this worker is."""
    return this_process()


@routes(
    "post",
    QUERY_PATH,
    AccessRole.WORKER,
    description="Internal; it differs between releases.",
    body=[ENCODED],
    max_body_bytes=MOST_BYTES,
    answer=ENCODED,
    errors={400: "A query of another release", 503: "It is recovering"},
)
async def answer_query(body: bytes) -> Response:
    """What this worker's own partitions answer to another worker."""
    if is_recovering():
        raise unavailable("worker is recovering; expected one that has taken its partitions")
    try:
        results = await app.queries.answer(body)
    except (KeyError, *UNREADABLE) as error:  # a worker of another version, or a curious person
        message = f"query is not one of this release: {error!r}; expected one"
        raise HttpError(HTTPStatus.BAD_REQUEST, message) from error
    return Response(body=results, content_type=MSGPACK)
