"""What an agent on a batch topic iterates over."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import NoReturn, Self

from faust.types import StreamT

from dataflow.engine.batch import Batch, UnaccountedEvents
from dataflow.errors import Misconfigured

Batches = StreamT[Batch]
"""The type of it, as agents write it."""


class BatchStream(AsyncIterator[Batch]):
    """Hands an agent one batch after the other; refuses an agent that is written for single events."""

    def __init__(self, agent: str, batches: AsyncIterable[Batch]) -> None:
        self._agent = agent
        self._batches = batches
        self._batch: Batch | None = None

    def __aiter__(self) -> Self:
        self._iterator = aiter(self._batches)
        return self

    async def __anext__(self) -> Batch:
        if self._batch is not None and not self._batch.is_entered:
            raise UnaccountedEvents(
                f"agent {self._agent} asks for more before it has entered {self._batch!r}; "
                "expected `async with batch:` around all that it does with one"
            )
        self._batch = await anext(self._iterator)
        return self._batch

    def __getattr__(self, name: str) -> NoReturn:
        raise Misconfigured(
            f"agent {self._agent} uses {name} of its stream; expected `async for batch in batches:`, "
            "as it reads a batch topic"
        )
