"""Fixtures of the analytics tests: a worker that counts and stores, and all that it has been sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest
from analytics.sent import PARTITIONS, Sent, everything
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient
from sinks.postgres_server import PostgresServer

from dataflow.demo.broker import EmbeddedBroker
from dataflow.settings import Settings
from dataflow.topics import declared_topics


@pytest.fixture(scope="package")
def analytics_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Return a broker with all topics, in two streams of which are requests."""
    broker = EmbeddedBroker(
        tmp_path_factory.mktemp("analytics-broker"),
        properties={"group.min.session.timeout.ms": 1000},
    )
    broker.start()
    broker.wait_ready()
    kafka = KafkaClient(broker.address)
    names = [topic.name for topic in declared_topics(Settings())]
    kafka.create_topics([name for name in names if not name.endswith("-changelog")], PARTITIONS)
    yield broker
    broker.stop()


@pytest.fixture(scope="package")
def sent(analytics_broker: EmbeddedBroker) -> list[Sent]:
    """Return all requests that have been sent; each partition has its own share of every kind."""
    kafka = KafkaClient(analytics_broker.address)
    access, cdn = everything(datetime.now(UTC).replace(microsecond=0))
    for stream, lines in (("access-logs", access), ("cdn-logs", cdn)):
        for partition in range(PARTITIONS):
            kafka.produce(stream, [line.raw for line in lines[partition::PARTITIONS]], partition=partition)
    return [*access, *cdn]


@pytest.fixture(scope="package")
def postgres() -> Iterator[PostgresServer]:
    """Return a PostgreSQL that the worker stores into."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@dataclass(frozen=True, slots=True)
class Stored:
    """A worker, and the PostgreSQL that it stores into."""

    worker: Worker
    postgres: PostgresServer

    def wait_stored(self, requests: int) -> None:
        """Wait until both have all requests."""
        for source in ("tables", "postgres"):
            self.worker.wait_for(
                f"/analytics/error_rate?source={source}",
                lambda reply: reply.status == 200 and reply.json["total"] == requests,
            )


@pytest.fixture(scope="package")
def stored(
    analytics_broker: EmbeddedBroker,
    sent: list[Sent],
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stored]:
    """Return a worker that has counted and stored all that was sent."""
    with running_worker(
        analytics_broker.address,
        tmp_path_factory.mktemp("analytics"),
        "analytics",
        DATAFLOW_POSTGRES_URL=postgres.url,
        DATAFLOW_ANALYTICS_DEADLINE_MS="2000",
    ) as worker:
        both = Stored(worker, postgres)
        both.wait_stored(len(sent))
        yield both


@pytest.fixture
async def database(postgres: PostgresServer) -> str:
    """Return the URL of an empty database."""
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE DATABASE empty")
    await connection.close()
    return postgres.url.removesuffix("postgres") + "empty"
