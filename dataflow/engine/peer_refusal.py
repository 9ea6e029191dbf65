"""Peer refusal: why another worker does not answer, in its own words."""

from typing import Final

import aiohttp
import msgspec

from dataflow.errors import UNREADABLE
from dataflow.printable import printable

MOST_BYTES: Final = 4 << 10
"""A longer answer comes from another program."""


class _Refusal(msgspec.Struct):
    error: str


async def refusal_of(reply: aiohttp.ClientResponse) -> str:
    """Return the status of an answer, and what it says; of another program the status alone."""
    try:
        told = msgspec.json.decode(await reply.content.read(MOST_BYTES), type=_Refusal).error
    except UNREADABLE:
        return str(reply.status)
    return f"{reply.status}: {printable(told)}"
