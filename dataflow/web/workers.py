"""Workers: who has which partitions, and how each gets on with checkpoints and recovery."""

import asyncio
from http import HTTPStatus
from typing import Annotated

import aiohttp
import msgspec
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.peer_refusal import refusal_of
from dataflow.errors import UNREADABLE
from dataflow.web.answer import Answer
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.owners import Workers
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Routes
from dataflow.web.worker_view import WorkerView, own_view

routes = Routes("Workers")

THIS = "/workers?workers=this"


class WorkersRequest(NoParameters):
    """Of which workers."""

    workers: Workers = "all"


class SilentWorker(Answer):
    """A worker that does not answer."""

    url: str
    reason: str


class WorkersAnswer(Answer):
    """The workers, by their addresses, and what nobody answers for."""

    workers: list[WorkerView]
    silent: Annotated[list[SilentWorker], Meta(description="Members that have not answered in time")]
    unowned: Annotated[
        dict[str, list[int]], Meta(description="By topic, partitions that no worker here says it owns")
    ]


def sheet_of(answer: WorkersAnswer) -> Sheet:
    """Return a row for each partition with its worker, and one for each worker without."""
    rows = []
    for worker in rows_of(answer.workers):
        partitions = worker.pop("partitions")
        rows += [{**each, **worker} for each in partitions or [{"topic": None, "partition": None}]]
    return Sheet("workers", rows, is_whole=not answer.silent and not answer.unowned)


@routes(
    "get",
    "/workers",
    AccessRole.READ,
    description="It lists all members of the groups of this app, and the worker that you ask.",
    sheet=sheet_of,
    errors={400: "A parameter is not as expected"},
)
async def show_workers(request: WorkersRequest) -> WorkersAnswer:
    """Which partitions each worker owns, and its state."""
    if request.workers == "this":
        return WorkersAnswer([own_view()], [], {})
    urls = sorted(await app.queries.other_members())
    others = await asyncio.gather(*map(_ask, urls))
    workers = [own_view()] + [other for other in others if isinstance(other, WorkerView)]
    silent = [other for other in others if isinstance(other, SilentWorker)]
    return WorkersAnswer(sorted(workers, key=lambda worker: worker.url), silent, _unowned(workers))


async def _ask(url: str) -> WorkerView | SilentWorker:
    address, options = url + THIS, app.engine.options
    try:
        async with (
            asyncio.timeout(options.query_seconds),
            app.http_client.get(address, headers=options.peer_headers("GET", address)) as reply,
        ):
            if reply.status == HTTPStatus.OK:
                answer = msgspec.json.decode(await reply.read(), type=WorkersAnswer)
                return answer.workers[0]
            return SilentWorker(url, f"answers {await refusal_of(reply)}")
    except TimeoutError:
        return SilentWorker(url, f"does not answer within {options.query_seconds:g} s")
    except (aiohttp.ClientError, OSError, *UNREADABLE) as error:
        return SilentWorker(url, f"does not answer: {error}")


def _unowned(workers: list[WorkerView]) -> dict[str, list[int]]:
    owned = {(each.topic, each.partition) for worker in workers for each in worker.partitions}
    counts = app.engine.topology.partition_counts
    missing = {
        topic: [number for number in range(counts.get(topic, 0)) if (topic, number) not in owned]
        for topic in sorted(app.topology.sources)
    }
    return {topic: numbers for topic, numbers in missing.items() if numbers}
