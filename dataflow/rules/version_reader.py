"""Reading: the topic of a document in, its versions as far as they are committed out."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from dataflow.errors import DataflowError
from dataflow.rules.version import Document, Version, VersionLog
from dataflow.topics import existing_topics

POLL_MS = 200


class VersionReader:
    """Reads one topic from its begin; made by `version_reader`, belongs to no group."""

    def __init__(self, consumer: AIOKafkaConsumer, document: Document) -> None:
        self.log = VersionLog(document)
        self._consumer = consumer
        self._tp = TopicPartition(document.topic, 0)

    async def read_to_end(self) -> VersionLog:
        """Read all that is committed now."""
        ends = await self._consumer.end_offsets([self._tp])
        # The end is a control record: only the position passes it.
        while await self._consumer.position(self._tp) < ends[self._tp]:
            await self.read_more(POLL_MS)
        return self.log

    async def read_more(self, wait_ms: int) -> VersionLog:
        """Read what is new; wait so long for something to come."""
        read = await self._consumer.getmany(self._tp, timeout_ms=wait_ms)
        self.log.read(read.get(self._tp, ()))
        return self.log


async def last_version(connection: Mapping[str, object], document: Document) -> Version:
    """Return the version that counts now; raise `DataflowError` if the topic is missing."""
    if document.topic not in await existing_topics(connection):
        raise DataflowError(
            f"topic {document.topic} is missing; expected `dataflow topics` or a worker to have made it"
        )
    async with version_reader(connection, document) as reader:
        return (await reader.read_to_end()).last


@asynccontextmanager
async def version_reader(
    connection: Mapping[str, object], document: Document
) -> AsyncIterator[VersionReader]:
    """Give a reader."""
    consumer = AIOKafkaConsumer(
        **connection, group_id=None, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    consumer.assign([TopicPartition(document.topic, 0)])
    await consumer.start()
    try:
        await asyncio.sleep(0)  # aiokafka's stop() fails if its task has not begun
        yield VersionReader(consumer, document)
    finally:
        await consumer.stop()
