"""A recording of changelogs: what a worker kept and served after some events, and after more."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from harness.pages import every_page
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.samples import sample_filter_rules
from dataflow.settings import Settings
from dataflow.topics import declared_topics

APP_ID = "recorded"
PARTITIONS = 2
SETTINGS = {
    "DATAFLOW_FILTER_RULES": str(sample_filter_rules()),
    "DATAFLOW_MAX_KEYS": "25",  # so that keys have had to go, and entries have an error bound
    "DATAFLOW_CHECKPOINT_MS": "500",
}


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One record of a topic; the timestamp in ms since 1970 UTC."""

    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


class Offset(msgspec.Struct, frozen=True, array_like=True):
    """What the group has committed of one source partition."""

    topic: str
    partition: int
    offset: int


class Answers(msgspec.Struct, frozen=True):
    """What a worker serves: by table and window, and by stream."""

    windows: dict[str, dict[str, list[dict[str, object]]]]
    apart: dict[str, dict[str, dict[str, int]]]
    streams: dict[str, dict[str, object]]

    def without_tables_beside(self, others: "Answers") -> "Answers":
        """Leave out tables that the others do not have: they were declared later."""
        return Answers(
            {name: of for name, of in self.windows.items() if name in others.windows},
            {name: of for name, of in self.apart.items() if name in others.apart},
            self.streams,
        )


class Recording(msgspec.Struct, frozen=True):
    """What is in a file."""

    changelogs: dict[str, list[Record]]
    offsets: list[Offset]
    answers: Answers
    more: dict[str, list[Record]]
    answers_after_more: Answers


def load_recording(path: Path) -> Recording:
    """Return what is recorded in a file."""
    return msgspec.json.decode(gzip.decompress(path.read_bytes()), type=Recording)


def create_topics(kafka: KafkaClient) -> None:
    """Make the topics of the app, for events of any age."""
    timeless = {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(2**63 - 1),
        "retention.ms": "-1",
    }
    for topic in declared_topics(Settings(app_id=APP_ID)):
        kafka.create_topics(topic.name, PARTITIONS, **{**topic.configs, **timeless})


@contextmanager
def worker_on(broker: EmbeddedBroker, folder: Path) -> Iterator[Worker]:
    """Run a ready worker with the settings of the recording."""
    with running_worker(broker.address, folder, APP_ID, **SETTINGS) as worker:
        worker.wait_ready()
        yield worker


def _windows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "total"} for each in answer["windows"]]


def answers_of(worker: Worker) -> Answers:
    """Return all that a worker serves."""
    streams = worker.get("/streams").json
    tables = {
        table["name"]: {
            window: every_page(lambda address: worker.get(address).json, table["name"], window)
            for window in table["windows"]
        }
        for table in worker.get("/tables").json["tables"]
    }
    return Answers(
        {name: {size: _windows(of) for size, of in windows.items()} for name, windows in tables.items()},
        {name: {window: of["apart"] for window, of in windows.items()} for name, windows in tables.items()},
        {stream: totals | streams["details"][stream] for stream, totals in streams["streams"].items()},
    )


def produce(kafka: KafkaClient, events: Mapping[str, Sequence[Record]]) -> None:
    """Write the events to their partitions with their timestamps."""
    for topic, records in events.items():
        for partition in range(PARTITIONS):
            own = [record for record in records if record.partition == partition]
            kafka.produce(
                topic,
                [record.value for record in own],
                [record.key for record in own],
                partition=partition,
                timestamps=[record.timestamp for record in own],
            )


def replay(kafka: KafkaClient, recording: Recording) -> None:
    """Bring a broker to where the recorded worker has left it; what it had read is replaced by filler."""
    create_topics(kafka)
    for at in recording.offsets:
        kafka.produce(at.topic, repeat(b"read before", at.offset), partition=at.partition)
    produce(kafka, {f"{APP_ID}-{topic}-changelog": log for topic, log in recording.changelogs.items()})
    places = [TopicPartition(at.topic, at.partition, at.offset) for at in recording.offsets]
    commit(kafka, ConsumerGroupTopicPartitions(APP_ID, places))


def commit(kafka: KafkaClient, places: ConsumerGroupTopicPartitions) -> None:
    """Commit offsets; a client of librdkafka may wait for ever for a coordinator that has just been made."""
    for seconds in (5, 10, 30):
        admin = AdminClient({"bootstrap.servers": kafka.address})
        try:
            admin.alter_consumer_group_offsets([places])[APP_ID].result(seconds)
            return
        except TimeoutError:
            continue  # another client, another question
    raise AssertionError(f"offsets of {APP_ID} are not committed")


def committed(kafka: KafkaClient, topics: Sequence[str]) -> list[Offset]:
    """Return what the group has committed."""
    asked = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": kafka.address})
    group = ConsumerGroupTopicPartitions(APP_ID, asked)
    told = admin.list_consumer_group_offsets([group])[APP_ID].result(30).topic_partitions
    return [Offset(at.topic, at.partition, at.offset) for at in told if at.offset >= 0]
