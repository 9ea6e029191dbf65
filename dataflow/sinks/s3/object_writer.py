"""Object writer: puts the objects of a block into the bucket, complete or as far as they go."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile

from dataflow.errors import SinkUnavailable
from dataflow.instants import datetime_of
from dataflow.kafka.types import TopicPartition
from dataflow.sinks.s3.block import Block, HourObject
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import Format
from dataflow.sinks.s3.store import ABSENT, PART_BYTES, UNCONDITIONAL, Condition, Store
from dataflow.sinks.s3.store_errors import PreconditionFailed

HOUR_MS = 60 * 60 * 1000
PUTS_AT_ONCE = 4  # each holds one part in memory
LAST_OFFSET = "last-offset"
TOPIC_ID = "topic-id"


def object_key(prefix: str, hour: int, origin: TopicPartition, first_offset: int, suffix: str) -> str:
    """Return the key of the object that begins with a record; the hour is counted since 1970 UTC.

    Partitions are named as in Hive: query engines know year, month, day and hour of the key.
    """
    at = datetime_of(hour * HOUR_MS)
    folder = f"year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}"
    name = f"{origin.topic}-{origin.partition}-{first_offset}{suffix}"
    return "/".join(filter(None, (prefix.strip("/"), folder, name)))


def note_key(prefix: str, topic: str) -> str:
    """Return the key of an object that says which the first topic of this name was.

    Query engines skip names that begin so.
    """
    return "/".join(filter(None, (prefix.strip("/"), f"_topics/_{topic}")))


@dataclass(frozen=True, slots=True)
class Archive:
    """How objects are written, and when."""

    prefix: str
    format: Format
    rules: CutRules
    folder: Path
    """Where blocks are buffered; its files do not outlive the process."""
    by_event_time: bool = True
    """Objects by the hour of the event; if false, by that of its arrival in Kafka."""
    flush_seconds: float = 300.0
    """After so long, records of an incomplete block are put into the bucket, too."""


class ObjectWriter:
    """Puts objects into one bucket, a few at a time."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store = store
        self._archive = archive
        self._putting = asyncio.Semaphore(PUTS_AT_ONCE)

    async def complete(self, tp: TopicPartition, block: Block) -> None:
        """Put all objects of a complete block unconditionally: every worker writes the same."""
        outcomes = await asyncio.gather(
            *(
                self._put(tp, block, pending, UNCONDITIONAL)
                for pending in block.hours.values()
                if not (pending.etag and pending.flushed == pending.records)
            ),
            return_exceptions=True,  # one that fails does not leave others running
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def flush(self, tp: TopicPartition, block: Block) -> None:
        """Put what has come since the last flush; never replace an object that has as many records.

        Such an object exists if another worker has continued the partition.
        """
        for pending in block.hours.values():
            if pending.flushed == pending.records:
                continue
            try:
                await self._put(tp, block, pending, _unchanged(pending.etag))
            except PreconditionFailed:
                await self._extend(tp, block, pending)

    async def _extend(self, tp: TopicPartition, block: Block, pending: HourObject) -> None:
        """Replace an existing object, perhaps from before a crash, if it has fewer records."""
        key = self._key(block, pending)
        existing = await self._store.stat(key)
        was_there, pending.etag = pending.etag is not None, None
        if existing is None and was_there:  # somebody has deleted it; the next flush puts it
            return
        if existing is None:
            raise SinkUnavailable(
                f"S3: {key} is refused as if it existed, and does not exist; expected one or the other. Look "
                "at the proxies in front of S3, and whether the bucket still exists"
            )
        etag, metadata = existing
        if _last_offset(metadata) >= pending.last_offset:
            pending.flushed = pending.records
            return
        try:
            await self._put(tp, block, pending, _unchanged(etag))
        except PreconditionFailed:
            return  # another worker is writing it; the next flush tries again

    async def _put(self, tp: TopicPartition, block: Block, pending: HourObject, condition: Condition) -> None:
        made = self._archive.format
        async with self._putting:
            with SpooledTemporaryFile(max_size=PART_BYTES, dir=str(self._archive.folder)) as body:
                await asyncio.to_thread(made.encode, tp.topic, block.open_bytes(pending), body)
                metadata = {"records": str(pending.records), LAST_OFFSET: str(pending.last_offset)}
                key = self._key(block, pending)
                pending.etag = await self._store.put(key, body, made.media_type, metadata, condition)
        pending.flushed = pending.records

    async def first_id(self, topic: str, topic_id: str) -> str | None:
        """Return the id of the first topic of this name in the bucket; it is this one if there was none.

        None: we may not read it.
        """
        key = note_key(self._archive.prefix, topic)
        try:
            await self._store.put(key, BytesIO(), "text/plain", {TOPIC_ID: topic_id}, ABSENT)
        except PreconditionFailed:
            about = await self._store.metadata_of(key)
            return None if about is None else about.get(TOPIC_ID)
        return topic_id

    def _key(self, block: Block, pending: HourObject) -> str:
        archive, first = self._archive, pending.first_offset
        return object_key(archive.prefix, pending.hour, block.origin, first, archive.format.suffix)


def _last_offset(metadata: Mapping[str, str]) -> int:
    """Return up to where an object reaches; -1 for one that says nothing of it: somebody else has put it."""
    written = metadata.get(LAST_OFFSET, "")
    return int(written) if re.fullmatch(r"[0-9]{1,19}", written) else -1


def _unchanged(etag: str | None) -> Condition:
    return {"IfMatch": etag} if etag else ABSENT
