"""Topic loader: sends lines to a topic in record batches."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.producer.message_accumulator import BatchBuilder

from dataflow.cli.batch_sender import BatchSender
from dataflow.errors import DataflowError

BATCH_LINES = 500  # small enough that a short file reaches every partition


@dataclass(slots=True)
class Loaded:
    """What became of the lines; line numbers begin with 1."""

    lines: int = 0
    acknowledged: int = 0
    too_large: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why lines are not stored, a text for each batch, and where the file itself breaks off."""

    @property
    def is_complete(self) -> bool:
        """Tell whether the whole file is stored."""
        return self.acknowledged == self.lines and not self.failed

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self)


class TopicLoader:
    """Sends lines to one topic in batches, each partition in turn; keys are null."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int, most_bytes: int) -> None:
        self.loaded = Loaded()
        self._producer = producer
        self._sender = BatchSender(producer, topic, cycle(range(partitions)), self.loaded)
        self._most_bytes = most_bytes

    async def send(self, lines: Iterable[bytes]) -> None:
        """Send lines; wait only while too many batches are unanswered."""
        for first, batch in self._batches(lines):
            await self._sender.send(batch, f"lines {first} to {first + batch.record_count() - 1}")

    async def finish(self) -> Loaded:
        """Wait for the last answers."""
        await self._sender.finish()
        return self.loaded

    def _batches(self, lines: Iterable[bytes]) -> Iterator[tuple[int, BatchBuilder]]:
        """Yield batches, each with the number of its first line."""
        batch = self._producer.create_batch()
        first = self.loaded.lines + 1
        for line in lines:
            self.loaded.lines += 1
            number = self.loaded.lines
            while batch.append(timestamp=None, key=None, value=line) is None:
                yield first, batch
                batch, first = self._producer.create_batch(), number
            if batch.record_count() == 1 and batch.size() > self._most_bytes:
                self.loaded.too_large.append(number)
                batch, first = self._producer.create_batch(), number + 1
            elif batch.record_count() == BATCH_LINES:
                yield first, batch
                batch, first = self._producer.create_batch(), number + 1
        if batch.record_count():
            yield first, batch


async def topic_loader(connection: Mapping[str, Any], producer: AIOKafkaProducer, topic: str) -> TopicLoader:
    """Return a loader; raise `DataflowError` when there is no such topic."""
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        partitions = {entry["topic"]: len(entry["partitions"]) for entry in await admin.describe_topics()}
        if topic not in partitions:
            names = ", ".join(sorted(name for name in partitions if not name.startswith("__"))) or "none"
            raise DataflowError(
                f"topic is '{topic}'; expected one that exists ({names}); "
                "`dataflow topics` makes the declared ones"
            )
        most_bytes = await _max_message_bytes(admin, topic)
    finally:
        await admin.close()
    return TopicLoader(producer, topic, partitions[topic], most_bytes)


async def _max_message_bytes(admin: AIOKafkaAdminClient, topic: str) -> int:
    name = "max.message.bytes"
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: None})])
    (_, _, _, _, entries, *_), *_ = answers[0].resources
    return int(entries[0][1])
