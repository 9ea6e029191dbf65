"""Fixtures of the tests of inputs: a broker with its topics, and the command that reads inputs into them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import TopicPartition
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.child_process import start_child
from dataflow.settings import Settings
from dataflow.topics import declared_topics

TOPICS = {"access-logs", "cdn-logs", "expedia", "raw-web-events", "dead-letters"}
ABOUT_INPUTS = {"ingested-inputs", "ingest-runs"}


class IngestBroker:
    """A broker with the topics of a worker, and `dataflow ingest` against it."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.broker = broker
        self.kafka = KafkaClient(broker.address)
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DATAFLOW_")},
            "DATAFLOW_BROKER": broker.address,
        }
        for topic in declared_topics(Settings()):
            if topic.name in TOPICS | ABOUT_INPUTS:
                self.kafka.create_topics(topic.name, topic.partitions, **topic.configs)

    def start(self, *arguments: Path | str, **settings: str) -> subprocess.Popen[bytes]:
        """Start the command."""
        chosen = {f"DATAFLOW_{name.upper()}": value for name, value in settings.items()}
        process = start_child(
            [sys.executable, "-m", "dataflow", "ingest", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **chosen},
        )
        self._started.append(process)
        return process

    def ingest(self, *arguments: Path | str, code: int = 0, **settings: str) -> dict[str, object]:
        """Run the command to its end; return what it tells, and beside it what it says."""
        process = self.start(*arguments, **settings)
        told, said = process.communicate(timeout=90)
        assert process.returncode == code, said.decode()
        return {**(orjson.loads(told) if told else {}), "said": said.decode()}

    def end(self, topic: str = "access-logs") -> int:
        """Return where a topic ends, over all partitions; what is not committed counts, too."""
        reader = self.kafka._reader()
        try:
            places = [TopicPartition(topic, number) for number in self.kafka._partitions(topic)]
            return sum(reader.get_watermark_offsets(place)[1] for place in places)
        finally:
            reader.close()

    def clear_away(self) -> None:
        """Leave no process running."""
        for process in self._started:
            process.kill()
            with process:  # closes its pipes
                pass

    def lines(self, topic: str = "access-logs") -> list[bytes]:
        """Return the committed values of a topic, sorted."""
        return sorted(read.value or b"" for read in self.kafka.read_topic(topic))


@pytest.fixture
def own(own_broker: EmbeddedBroker) -> Iterator[IngestBroker]:
    """Return a broker that the test may kill and start again."""
    ingesting = IngestBroker(own_broker)
    yield ingesting
    ingesting.clear_away()
