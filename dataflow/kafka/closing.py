"""Closing: a connection that is closed ends soon, and one that has just been lost is told as such."""

from asyncio import Future
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

T = TypeVar("T")

GOODBYE_SECONDS: Final = 0.3
"""All that matters was answered before; a broker that holds a fetch back says nothing until it ends."""

_close = AIOKafkaConnection.close


def close(self: AIOKafkaConnection, *reason: Any, **error: Any) -> Future[None]:  # noqa: ANN401  # as aiokafka
    """Close a connection; cut it off if the broker does not say goodbye soon: uvloop waits 30 s for it."""
    transport = None if self._writer is None else self._writer.transport
    closed: Future[None] = _close(self, *reason, **error)
    if transport is not None and not closed.done():
        closed.get_loop().call_later(GOODBYE_SECONDS, transport.abort)
    return closed


def _noting_loss(send: Callable[..., T]) -> Callable[..., T]:
    """Raise `KafkaConnectionError`, which is retried, on a connection that was lost just now.

    Until the next turn of the loop aiokafka does not know of that, and uvloop raises `RuntimeError`.
    """

    @wraps(send)
    def noting_loss(self: AIOKafkaConnection, *request: Any, **options: Any) -> T:  # noqa: ANN401  # as aiokafka
        try:
            return send(self, *request, **options)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    return noting_loss


# Every client closes its connections by itself, and sends by them.
AIOKafkaConnection.close = close
AIOKafkaConnection.send = _noting_loss(AIOKafkaConnection.send)
AIOKafkaConnection._send_sasl_token = _noting_loss(AIOKafkaConnection._send_sasl_token)
