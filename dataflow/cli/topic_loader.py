"""Topic loader: sends lines to a topic in record batches."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle

from dataflow.cli.batch_sender import BatchSender
from dataflow.errors import DataflowError
from dataflow.kafka.admin import MAX_MESSAGE_BYTES, Admin
from dataflow.kafka.clients import running
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.types import BatchBuilder

BATCH_LINES = 500  # small enough that a short file reaches every partition


@dataclass(slots=True)
class Loaded:
    """What became of the lines; line numbers begin with 1."""

    lines: int = 0
    acknowledged: int = 0
    too_large: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why lines are not stored: a text for each batch, and for a truncated file."""

    @property
    def is_complete(self) -> bool:
        """Tell whether the whole file is stored."""
        return self.acknowledged == self.lines and not self.failed


class TopicLoader:
    """Sends lines to one topic in batches, each partition in turn; keys are null."""

    def __init__(self, producer: IdempotentProducer, topic: str, partitions: int, most_bytes: int) -> None:
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


async def topic_loader(
    connection: Mapping[str, object], producer: IdempotentProducer, topic: str
) -> TopicLoader:
    """Return a loader; raise `DataflowError` when there is no such topic."""
    async with running(Admin(connection)) as admin:
        partitions = await admin.partition_counts()
        if topic not in partitions:
            names = ", ".join(sorted(name for name in partitions if not name.startswith("__"))) or "none"
            raise DataflowError(
                f"topic is '{topic}'; expected one that exists ({names}); "
                "`dataflow topics` makes the declared ones"
            )
        configs = await admin.configs({topic: [MAX_MESSAGE_BYTES]})
    return TopicLoader(producer, topic, partitions[topic], int(configs[topic][MAX_MESSAGE_BYTES]))
