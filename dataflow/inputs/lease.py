"""Lease: allows one run of a stream at a time in the whole cluster; it expires if its run dies."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from dataflow.catalogue.declared import INGEST_RUNS
from dataflow.errors import DataflowError
from dataflow.kafka.errors import Fenced, KafkaError
from dataflow.kafka.types import TopicPartition
from dataflow.sources.lease import BEAT_SECONDS, LEASE_MS, Action, LeaseLog, LeaseRecord, open_lease_log

SILENT_BEATS = LEASE_MS // 1000 + 1


class LeaseHeld(DataflowError):
    """Another live run is reading the inputs of this stream."""


class Lease:
    """Held by this run while `is_lost` is false. If two runs believe so, the broker fences the first."""

    def __init__(self, log: LeaseLog, name: str) -> None:
        self._log = log
        self._name = name
        self._broken = False

    def check(self) -> None:
        """Raise `Fenced` if another run holds the lease, or may hold it."""
        if self.is_lost:
            raise Fenced("lease of this run has expired; expected it to be renewed: run it again")

    @property
    def is_lost(self) -> bool:
        """Tell whether another run holds the lease, or may hold it."""
        return self._broken or self._log.state.holder not in (None, self._name)

    async def acquire(self, stream: str) -> None:
        """Acquire the lease; wait some seconds for a dead holder to expire. Raises `LeaseHeld`."""
        while not await self._log.append(LeaseRecord(Action.START, self._name)):
            holder, heard_ms = self._log.state.holder, self._log.state.heard_ms
            for _ in range(SILENT_BEATS):
                await self._log.follow(BEAT_SECONDS)
                if self._log.state.heard_ms != heard_ms:
                    raise LeaseHeld(
                        f"inputs of {stream} are being read by {_shown(holder)}; expected one run at a time"
                    )

    async def renew(self) -> None:
        """Renew the lease until cancelled or lost; one that has expired and is free is acquired again."""
        try:
            while not self.is_lost:
                is_held = self._log.state.holder == self._name
                await self._log.append(LeaseRecord(Action.BEAT if is_held else Action.START, self._name))
                await self._log.follow(BEAT_SECONDS)
        except (KafkaError, OSError):
            self._broken = True

    async def release(self) -> None:
        """Let others acquire the lease at once."""
        with suppress(KafkaError, OSError):
            await self._log.append(LeaseRecord(Action.STOP, self._name))


@asynccontextmanager
async def hold_lease(connection: Mapping[str, object], stream: str, number: int) -> AsyncIterator[Lease]:
    """Give the lease to read inputs of a stream; raises `LeaseHeld`."""
    name = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
    async with open_lease_log(connection, TopicPartition(INGEST_RUNS.name, number)) as log:
        lease = Lease(log, name)
        await lease.acquire(stream)
        renewing = asyncio.create_task(lease.renew())
        try:
            yield lease
        finally:
            renewing.cancel()
            await asyncio.wait((renewing,))
            await lease.release()


def _shown(holder: str | None) -> str:
    host, process, *_ = (holder or "?/?").split("/")
    return f"process {process} on {host}"
