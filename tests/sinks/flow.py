"""A flow: records on their way through a sink into a real system, and what has become of them."""

import asyncio

from kafka_client import KafkaClient
from sinks.faults import OTHER_TOPIC
from sinks.systems import System, an_event
from sinks.waiting import until

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.settings import Role, read_settings
from dataflow.sinks.configured import configured_sinks
from dataflow.sinks.contract import Sink
from dataflow.sinks.runner import SinkRunner

RETRY_SECONDS = 60.0  # pauses are half a second in these tests; a server that starts is slow
PARTITIONS = 2
PIECE = 50


def sink_of(system: System) -> Sink:
    """Return the sink of a system that the environment names, as a worker of its role has it."""
    settings = read_settings().model_copy(update={"role": Role(f"sink-{system.sink}")})
    [sink] = configured_sinks(settings)
    return sink


class Flow:
    """Records on their way through a sink, each with a number, and what has become of them."""

    def __init__(self, system: System, client: KafkaClient, runner: SinkRunner) -> None:
        self.system, self.client, self.runner = system, client, runner
        self.sent = 0

    def send(self, *values: bytes) -> None:
        """Send values, one to each partition in turn; without any, the next records."""
        sent = values or [self.system.record(number) for number in range(self.sent, self.sent + PIECE)]
        for partition in range(PARTITIONS):
            self.client.produce(self.system.topic, sent[partition::PARTITIONS], partition=partition)
        self.sent += len(sent)

    async def until_told(self, words: str) -> None:
        """Send until the sink tells what is wrong."""
        async with asyncio.timeout(RETRY_SECONDS):
            while not any(
                words in (one.note.error or "") and one.note.retrying_since_ms
                for one in self.runner.partitions.values()
            ):
                await asyncio.to_thread(self.send)
                await asyncio.sleep(0.2)

    async def until_stored(self, without: int | None = None) -> None:
        """Wait until every record is there, once."""
        wanted = [number for number in range(self.sent) if number != without]
        deadline = asyncio.get_running_loop().time() + RETRY_SECONDS
        while (found := sorted(await asyncio.to_thread(self.system.numbers))) != wanted:
            assert asyncio.get_running_loop().time() < deadline, (len(found), len(wanted))
            await asyncio.sleep(0.2)

    async def until_another_topic_is_stored(self) -> None:
        """Send records of another topic, and wait until the sink has stored them."""
        self.client.produce(OTHER_TOPIC, [an_event(number) for number in range(PIECE)], partition=0)
        await until(lambda: self.committed(OTHER_TOPIC) == PIECE, RETRY_SECONDS)

    def create_topic_again(self) -> None:
        """Delete the topic, and create it."""
        self.client.delete_topic(self.system.topic)
        self.client.create_topics(self.system.topic, partitions=PARTITIONS)

    def committed(self, topic: str) -> int:
        """Return how many records of a topic are stored and committed."""
        return sum(one.committed_offset for tp, one in self.runner.partitions.items() if tp.topic == topic)

    def reasons(self) -> list[str]:
        """Return the reasons of all dead letters."""
        letters = self.client.read_topic(DEAD_LETTERS.name)
        return [dict(letter.headers)["dataflow-reason"].decode() for letter in letters]
