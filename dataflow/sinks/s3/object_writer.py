"""Objects of a block: what is gathered in; put into the bucket, whole or as far as it goes, out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile

from aiokafka.structs import TopicPartition

from dataflow.sinks.s3.block import Block, HourObject
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import Format
from dataflow.sinks.s3.layout import object_key
from dataflow.sinks.s3.store import ABSENT, PART_BYTES, UNCONDITIONAL, Condition, PreconditionFailed, Store

PUTS_AT_ONCE = 4  # each holds one part in memory
LAST_OFFSET = "last-offset"


@dataclass(frozen=True, slots=True)
class Archive:
    """How objects are made."""

    prefix: str
    format: Format
    rules: CutRules
    folder: Path
    """Where blocks are gathered; nothing in it outlives the process."""
    by_event_time: bool = True
    """Objects by the hour of the event; else by that of its arrival in Kafka."""
    flush_seconds: float = 300.0
    """What waits in a block that is not complete is visible after so long."""


class ObjectWriter:
    """Puts objects into one bucket, a few at a time."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store = store
        self._archive = archive
        self._putting = asyncio.Semaphore(PUTS_AT_ONCE)

    async def complete(self, tp: TopicPartition, block: Block) -> None:
        """Put all objects of a complete block, whatever is there: whoever writes them writes the same."""
        outcomes = await asyncio.gather(
            *(
                self._put(tp, block, pending, UNCONDITIONAL)
                for pending in block.hours.values()
                if not (pending.etag and pending.flushed == pending.records)
            ),
            return_exceptions=True,  # none is left behind when another fails
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def flush(self, tp: TopicPartition, block: Block) -> None:
        """Put what has come since the last time; never in the place of an object that reaches as far.

        Such an object is there when somebody else has gone on with the partition.
        """
        for pending in block.hours.values():
            if pending.flushed == pending.records:
                continue
            try:
                await self._put(tp, block, pending, _unchanged(pending.etag))
            except PreconditionFailed:
                await self._extend(tp, block, pending)

    async def _extend(self, tp: TopicPartition, block: Block, pending: HourObject) -> None:
        """Put it again longer if what is there, perhaps from before a crash, is shorter."""
        present = await self._store.stat(self._key(tp, pending))
        pending.etag = None
        if present is None:
            return
        if int(present.metadata.get(LAST_OFFSET, -1)) >= pending.last_offset:
            pending.flushed = pending.records
            return
        try:
            await self._put(tp, block, pending, _unchanged(present.etag))
        except PreconditionFailed:
            return  # it is being written elsewhere; there is a next time

    async def _put(self, tp: TopicPartition, block: Block, pending: HourObject, condition: Condition) -> None:
        made = self._archive.format
        async with self._putting:
            with SpooledTemporaryFile(max_size=PART_BYTES, dir=str(self._archive.folder)) as body:
                await asyncio.to_thread(made.encode, tp.topic, block.open_bytes(pending), body)
                pending.etag = await self._store.put(
                    self._key(tp, pending), body, made.media_type, _metadata(pending), condition
                )
        pending.flushed = pending.records

    def _key(self, tp: TopicPartition, pending: HourObject) -> str:
        archive = self._archive
        return object_key(archive.prefix, pending.hour, tp, pending.first_offset, archive.format.suffix)


def _unchanged(etag: str | None) -> Condition:
    return {"IfMatch": etag} if etag else ABSENT


def _metadata(pending: HourObject) -> Mapping[str, str]:
    return {"records": str(pending.records), LAST_OFFSET: str(pending.last_offset)}
