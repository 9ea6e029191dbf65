"""Parts: another worker's question in, what the partitions of this worker say out; internal."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.engine.partition import Partition
from dataflow.engine.query import QUERY_PATH
from dataflow.engine.tables import Part
from dataflow.http_error import HttpError, unavailable
from dataflow.web.readiness import is_recovering


def read_entries(partition: Partition, asked: Mapping[str, str]) -> Part:
    """Read the entries of `table` in `window`, from `from` to `to` (ms), of `key` or all."""
    table_partition = partition.state.table_partitions[asked["table"]]
    from_ms, to_ms = (int(asked[name]) if name in asked else None for name in ("from", "to"))
    return table_partition.answer(
        table_partition.table.window(asked["window"]), from_ms, to_ms, asked.get("key")
    )


def read_event_counts(partition: Partition, asked: Mapping[str, str]) -> Mapping[str, object]:  # noqa: ARG001  # a `Handler`
    """Read what came in and where it ended."""
    return partition.state.event_counts.as_mapping()


routes = RouteTableDef()


@routes.get(QUERY_PATH + "/{topic}")
async def parts(request: Request) -> Response:
    """Answer for the partitions of this worker, in msgpack."""
    if is_recovering():
        raise unavailable("worker is recovering; expected one that has taken its partitions")
    asked = dict(request.query)
    try:
        found = app.queries.local(request.match_info["topic"], asked.pop("read"), asked)
    except (KeyError, ValueError) as error:  # a worker of another version, or a curious person
        raise HttpError(HTTPStatus.BAD_REQUEST, f"question is {request.query_string!r}; {error!r}") from error
    return Response(body=msgspec.msgpack.encode(found), content_type="application/vnd.msgpack")
