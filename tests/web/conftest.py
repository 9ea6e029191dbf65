"""Fixtures of the web tests: workers of the real app on a broker that has all samples."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness.web_events import EVENTS, SENT
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient
from playwright.sync_api import expect

from dataflow.demo.broker import EmbeddedBroker
from dataflow.settings import Settings
from dataflow.topics import declared_topics

PARTITIONS = 4

expect.set_options(timeout=30_000)  # a busy machine is no failure


def create_topics(broker: EmbeddedBroker, partitions: int) -> KafkaClient:
    """Make the topics of the app, whose names are fixed; return a client that can fill them."""
    kafka = KafkaClient(broker.address)
    names = [topic.name for topic in declared_topics(Settings())]
    kafka.create_topics([name for name in names if not name.endswith("-changelog")], partitions)
    return kafka


@pytest.fixture(scope="package")
def web_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Return a broker that has all topics, and all samples in them."""
    broker = EmbeddedBroker(
        tmp_path_factory.mktemp("web-broker"), properties={"group.min.session.timeout.ms": 1000}
    )
    broker.start()
    broker.wait_ready()
    kafka = create_topics(broker, PARTITIONS)
    for stream, events in EVENTS.items():
        for partition in range(PARTITIONS):  # dealt out by hand: what is late does not depend on luck
            kafka.produce(stream, events[partition::PARTITIONS], partition=partition)
    yield broker
    broker.stop()


@pytest.fixture(scope="package")
def worker(web_broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Return one worker that has counted all samples."""
    chosen = {
        "DATAFLOW_METRICS_TABLES": "requests_per_status:hour,top_clients:minute,stays_per_category",
        "DATAFLOW_METRICS_TABLE_KEYS": "3",
    }
    with running_worker(web_broker.address, tmp_path_factory.mktemp("one"), "one", **chosen) as worker:
        worker.wait_counted(SENT)
        yield worker


@pytest.fixture
def start_worker(
    web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable[[str], str]
) -> Iterator[Callable[..., Worker]]:
    """Return a function that starts one more worker, so set, of an app that no other test has."""
    with ExitStack() as running:
        yield lambda **chosen: running.enter_context(
            running_worker(
                web_broker.address,
                tmp_path,
                unique("web"),
                **{f"DATAFLOW_{name.upper()}": value for name, value in chosen.items()},
            )
        )


@pytest.fixture
def alone(own_broker: EmbeddedBroker, tmp_path: Path) -> Iterator[Worker]:
    """Return a ready worker whose broker the test may take away."""
    create_topics(own_broker, partitions=1)
    with running_worker(own_broker.address, tmp_path, "alone") as worker:
        worker.wait_ready()
        yield worker
