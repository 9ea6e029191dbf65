"""Closing: a connection that is closed ends soon, also where the broker is slow to say goodbye by TLS."""

from asyncio import Future
from typing import Any, Final

from aiokafka.conn import AIOKafkaConnection

GOODBYE_SECONDS: Final = 0.3
"""All that matters was answered before; a broker that holds a fetch back says nothing until it ends."""

_close = AIOKafkaConnection.close


def close(self: AIOKafkaConnection, *reason: Any, **error: Any) -> Future[None]:  # noqa: ANN401  # as aiokafka
    """Close a connection; cut it off if the broker has not said goodbye soon: uvloop waits 30 s for it."""
    transport = None if self._writer is None else self._writer.transport
    closed: Future[None] = _close(self, *reason, **error)
    if transport is not None and not closed.done():
        closed.get_loop().call_later(GOODBYE_SECONDS, transport.abort)
    return closed


AIOKafkaConnection.close = close  # every client closes its connections by itself
