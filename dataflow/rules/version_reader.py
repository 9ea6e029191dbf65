"""Version reader: reads the committed versions of a document from its topic."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from dataflow.errors import DataflowError
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_more, read_to_end
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.rules.version import Document, Version, VersionLog
from dataflow.topics import existing_topics


class VersionReader:
    """Reads one topic from its begin, without a group; made by `version_reader`."""

    def __init__(self, consumer: Consumer, document: Document) -> None:
        self.log = VersionLog(document)
        self._consumer = consumer
        self._tp = TopicPartition(document.topic, 0)

    async def read_to_end(self) -> VersionLog:
        """Read all that is committed by now."""
        async for _, records in read_to_end(self._consumer, [self._tp]):
            self.log.read(records)
        return self.log

    async def read_more(self, wait_seconds: float) -> VersionLog:
        """Read new records; wait up to `wait_seconds` for some."""
        self.log.read(await read_more(self._consumer, self._tp, wait_seconds))
        return self.log


async def last_version(connection: Mapping[str, object], document: Document) -> Version:
    """Return the last valid version; raise `DataflowError` if the topic is missing."""
    if document.topic not in await existing_topics(connection):
        raise DataflowError(
            f"topic {document.topic} is missing; expected `dataflow topics` or a worker to have made it"
        )
    async with version_reader(connection, document) as versions:
        return (await versions.read_to_end()).last


@asynccontextmanager
async def version_reader(
    connection: Mapping[str, object], document: Document
) -> AsyncIterator[VersionReader]:
    """Give a reader."""
    async with reader(connection) as consumer:
        consumer.assign([TopicPartition(document.topic, 0)])
        yield VersionReader(consumer, document)
