"""Resume: a stream that has paused goes on, at all workers that own partitions of it."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal

import aiohttp
import msgspec
from aiohttp import hdrs
from aiohttp.web import Request

from dataflow.app import app
from dataflow.engine.resume import resume
from dataflow.errors import one_of
from dataflow.http_error import not_found, unavailable
from dataflow.web.answer import Answer
from dataflow.web.parameter import NoParameters, about
from dataflow.web.require_role import AccessRole
from dataflow.web.route import Routes

routes = Routes("Counts")

FORWARD_SECONDS = 10.0


class ResumeRequest(NoParameters):
    """Which stream, and where."""

    name: Annotated[str, about("A stream by its source topic, as /streams lists it", example="expedia")]
    workers: Annotated[Literal["all", "this"], about("Also at the others that own partitions of it")] = "all"


class Resumed(Answer):
    """Which workers had paused the stream, and go on."""

    stream: str
    resumed: list[str]


@routes(
    "post",
    "/streams/{name}/resume",
    description="Dead letters that its limit had refused are accepted then, and the limits count anew.",
    errors={404: "There is no such stream", 503: "An owner of its partitions has not answered"},
    role=AccessRole.EDIT,
)
async def resume_stream(request: ResumeRequest, http: Request) -> Resumed:
    """Go on with a stream that has paused, at all owners of its partitions."""
    topics = app.topology.sources
    if request.name not in topics:
        raise not_found("stream", request.name, one_of(sorted(topics)))
    resumed = [app.queries.own_url] if await resume(app.engine, request.name) else []
    if request.workers == "all":
        urls = sorted(await app.queries.other_owners(request.name))
        for answers in await asyncio.gather(*(_forward(url, request.name, http) for url in urls)):
            resumed += answers
    return Resumed(request.name, resumed)


async def _forward(url: str, topic: str, http: Request) -> list[str]:
    """Have another worker go on, on behalf of this client."""
    known = {name: http.headers[name] for name in [hdrs.AUTHORIZATION] if name in http.headers}
    address = f"{url}/streams/{topic}/resume?workers=this"
    try:
        async with asyncio.timeout(FORWARD_SECONDS), app.http_client.post(address, headers=known) as reply:
            if reply.status == HTTPStatus.OK:
                return msgspec.json.decode(await reply.read(), type=Resumed).resumed
            reason = f"answers {reply.status}"
    except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
        reason = f"does not answer: {error!r}"
    raise unavailable(f"worker at {url} {reason}; expected it to go on with {topic}")
