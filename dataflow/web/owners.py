"""Owners: what is to be done at every worker that owns partitions of a topic, on behalf of one client."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar

import aiohttp
import msgspec

from dataflow.app import app
from dataflow.errors import UNREADABLE
from dataflow.http_error import unavailable
from dataflow.web.parameter import about

A = TypeVar("A")

Workers = Annotated[Literal["all", "this"], about("Also at the other workers that own partitions of it")]

FORWARD_SECONDS = 10.0


async def tell_owners(topics: Iterable[str], path: str, method: str, answer_type: type[A]) -> list[A]:
    """Ask all other owners what this client has asked; raise `HttpError` if one does not answer."""
    urls = {url for topic in topics for url in await app.queries.other_owners(topic)}
    return await asyncio.gather(*(_tell(f"{url}{path}", method, answer_type) for url in sorted(urls)))


async def _tell(address: str, method: str, answer_type: type[A]) -> A:
    headers = app.engine.options.peer_headers(method, address)
    try:
        async with (
            asyncio.timeout(FORWARD_SECONDS),
            app.http_client.request(method, address, headers=headers) as reply,
        ):
            if reply.status == HTTPStatus.OK:
                return msgspec.json.decode(await reply.read(), type=answer_type)
            reason = f"answers {reply.status}"
    except (aiohttp.ClientError, OSError, TimeoutError, *UNREADABLE) as error:
        reason = f"does not answer: {error!r}"
    raise unavailable(f"worker at {address} {reason}; expected it to do the same")
