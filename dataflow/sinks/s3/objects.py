"""Objects of a block: what is gathered in; put into the bucket, whole or as far as it goes, out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile

from aiokafka.structs import TopicPartition

from dataflow.sinks.s3.block import Block, Gathered
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import Format
from dataflow.sinks.s3.layout import object_key
from dataflow.sinks.s3.store import ABSENT, ANYHOW, PART_BYTES, Clash, Condition, Store

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


class Objects:
    """Puts objects into one bucket, a few at a time."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store = store
        self._archive = archive
        self._putting = asyncio.Semaphore(PUTS_AT_ONCE)

    async def complete(self, tp: TopicPartition, block: Block) -> None:
        """Put all objects of a complete block, whatever is there: whoever writes them writes the same."""
        outcomes = await asyncio.gather(
            *(
                self._put(tp, block, gathered, ANYHOW)
                for gathered in block.hours.values()
                if not (gathered.etag and gathered.flushed == gathered.records)
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
        for gathered in block.hours.values():
            if gathered.flushed == gathered.records:
                continue
            try:
                await self._put(tp, block, gathered, _unchanged(gathered.etag))
            except Clash:
                await self._extend(tp, block, gathered)

    async def _extend(self, tp: TopicPartition, block: Block, gathered: Gathered) -> None:
        """Put it again longer if what is there, perhaps from before a crash, is shorter."""
        found = await self._store.stat(self._key(tp, gathered))
        gathered.etag = None
        if found is None:
            return
        if int(found.metadata.get(LAST_OFFSET, -1)) >= gathered.last_offset:
            gathered.flushed = gathered.records
            return
        try:
            await self._put(tp, block, gathered, _unchanged(found.etag))
        except Clash:
            return  # it is being written elsewhere; there is a next time

    async def _put(self, tp: TopicPartition, block: Block, gathered: Gathered, condition: Condition) -> None:
        made = self._archive.format
        async with self._putting:
            with SpooledTemporaryFile(max_size=PART_BYTES, dir=str(self._archive.folder)) as body:
                await asyncio.to_thread(made.encode, tp.topic, block.open_bytes(gathered), body)
                gathered.etag = await self._store.put(
                    self._key(tp, gathered), body, made.media_type, _metadata(gathered), condition
                )
        gathered.flushed = gathered.records

    def _key(self, tp: TopicPartition, gathered: Gathered) -> str:
        archive = self._archive
        return object_key(archive.prefix, gathered.hour, tp, gathered.first_offset, archive.format.suffix)


def _unchanged(etag: str | None) -> Condition:
    return {"IfMatch": etag} if etag else ABSENT


def _metadata(gathered: Gathered) -> Mapping[str, str]:
    return {"records": str(gathered.records), LAST_OFFSET: str(gathered.last_offset)}
