"""Turn: a stream in; one run of it at a time in the whole cluster, also after one that has died, out."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from dataflow.errors import DataflowError
from dataflow.sources.lease import BEAT_SECONDS, LEASE_MS, Action, LeaseRecord
from dataflow.sources.lease_log import LeaseLog, open_lease_log
from dataflow.topics import INGEST_RUNS

SILENT_BEATS = LEASE_MS // 1000 + 1


class TurnOfAnother(DataflowError):
    """Somebody else is reading this stream's inputs, and lives."""


class Turn:
    """Ours, as long as `is_lost` is false. If that errs, the broker fences the one who was first."""

    def __init__(self, log: LeaseLog, name: str) -> None:
        self._log = log
        self._name = name
        self._broken = False

    @property
    def is_lost(self) -> bool:
        """Tell whether somebody else has taken it, or we cannot know."""
        return self._broken or self._log.state.holder not in (None, self._name)

    async def take(self, stream: str) -> None:
        """Take the turn; wait a few seconds for one who has died. Raises `TurnOfAnother`."""
        while not await self._log.append(LeaseRecord(Action.START, self._name)):
            holder, heard_ms = self._log.state.holder, self._log.state.heard_ms
            for _ in range(SILENT_BEATS):
                await self._log.follow(BEAT_SECONDS)
                if self._log.state.heard_ms != heard_ms:
                    raise TurnOfAnother(
                        f"inputs of {stream} are being read by {_shown(holder)}; expected one run at a time"
                    )

    async def keep(self) -> None:
        """Show that we live, until this is cancelled or somebody else has the turn.

        Silent for too long, and nobody has taken it meanwhile: we take it again.
        """
        try:
            while not self.is_lost:
                is_ours = self._log.state.holder == self._name
                await self._log.append(LeaseRecord(Action.BEAT if is_ours else Action.START, self._name))
                await self._log.follow(BEAT_SECONDS)
        except (KafkaError, OSError):
            self._broken = True

    async def give_back(self) -> None:
        """Let others have it at once."""
        with suppress(KafkaError, OSError):
            await self._log.append(LeaseRecord(Action.STOP, self._name))


@asynccontextmanager
async def our_turn(connection: Mapping[str, object], stream: str, number: int) -> AsyncIterator[Turn]:
    """Give the turn to read inputs of a stream; raises `TurnOfAnother`."""
    name = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
    async with open_lease_log(connection, TopicPartition(INGEST_RUNS, number)) as log:
        turn = Turn(log, name)
        await turn.take(stream)
        keeping = asyncio.create_task(turn.keep())
        try:
            yield turn
        finally:
            keeping.cancel()
            await asyncio.wait((keeping,))
            await turn.give_back()


def _shown(holder: str | None) -> str:
    host, process, *_ = (holder or "?/?").split("/")
    return f"process {process} on {host}"
