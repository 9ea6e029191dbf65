"""Fixtures of the sink tests: runners on the session's broker, with short pauses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from kafka_client import KafkaClient
from sinks.access_lines import RECORDS, TOPIC, a_line
from sinks.faults import OTHER_TOPIC
from sinks.flow import PARTITIONS, Flow, sink_of
from sinks.opensearch_fixtures import OneSink
from sinks.postgres_server import PostgresServer
from sinks.servers_opensearch import OpenSearchServer
from sinks.systems import System

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.demo.broker import EmbeddedBroker
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.contract import Sink
from dataflow.sinks.runner import SinkRunner

SESSION_MS = 2_000


@pytest.fixture
def options(broker: EmbeddedBroker, unique: Callable[[str], str]) -> Callable[..., RunnerOptions]:
    """Return options for the session's broker, as a function of what differs."""

    def make(address: str = broker.address, **chosen: Any) -> RunnerOptions:
        given: dict[str, Any] = {
            "app_id": unique("app"),
            "linger_seconds": 0.05,
            "session_timeout_ms": SESSION_MS,
            "first_pause_seconds": 0.05,
            "longest_pause_seconds": 0.5,
            "drain_timeout_seconds": 2.0,
        } | chosen
        connection = {"bootstrap_servers": [address], "security_protocol": "PLAINTEXT"}
        return RunnerOptions(connection=connection, **given)

    return make


@pytest.fixture
async def run(options: Callable[..., RunnerOptions]) -> AsyncIterator[Callable[..., Awaitable[SinkRunner]]]:
    """Return a function that starts a runner of a sink; all are stopped at the end."""
    running: list[SinkRunner] = []

    async def start(sink: Sink, **chosen: object) -> SinkRunner:
        runner = SinkRunner(sink, options(**chosen))
        running.append(runner)
        await runner.start()
        return runner

    yield start
    await asyncio.gather(*(runner.stop() for runner in running))


@pytest.fixture
def flow_of(
    own_broker: EmbeddedBroker,
    run: Callable[..., Awaitable[SinkRunner]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[System], Awaitable[Flow]]:
    """Return a function that runs the sink of a system, as a worker of its role does."""

    async def start(system: System) -> Flow:
        client = KafkaClient(own_broker.address)
        client.create_topics({system.topic, OTHER_TOPIC, DEAD_LETTERS.name}, partitions=PARTITIONS)
        for name, value in system.environment(system.port or 0, 1_000).items():
            monkeypatch.setenv(name, value)
        both = f"{system.topic}=web-events,{OTHER_TOPIC}=events"
        monkeypatch.setenv("DATAFLOW_OPENSEARCH_INDICES", both)
        return Flow(system, client, await run(sink_of(system), address=client.address))

    return start


@pytest.fixture(scope="session")
def dead_letters(kafka: KafkaClient) -> None:
    """Make the topic of the dead letters, as `dataflow topics --create` does."""
    if DEAD_LETTERS.name not in kafka._admin.list_topics(timeout=10).topics:
        kafka.create_topics(DEAD_LETTERS.name, partitions=2)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return the one PostgreSQL of the session, running; make a database of your own."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opensearch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchServer]:
    """Return the one OpenSearch of the session, running; take a prefix of your own."""
    server = OpenSearchServer(tmp_path_factory.mktemp("opensearch") / "node")
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def one_sink(
    opensearch_server: OpenSearchServer, unique: Callable[[str], str]
) -> AsyncIterator[OneSink]:
    """Return an open OpenSearch sink with a prefix that nobody else has."""
    one = OneSink(opensearch_server, unique("views"))
    await one.sink.open()
    yield one
    await one.sink.close()
    one.ask_for("DELETE", f"{one.prefix}*?expand_wildcards=all")


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """Return a running PostgreSQL that the test may kill and start again."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database(postgres_server: PostgresServer, unique: Callable[[str], str]) -> str:
    """Return the URL of an empty database."""
    name = unique("test").replace("-", "_")
    connection = await asyncpg.connect(postgres_server.url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres_server.url.removesuffix("postgres") + name


@pytest.fixture
def fed(own_broker: EmbeddedBroker) -> KafkaClient:
    """Return a client of a broker that has parsed access log lines, and nothing else."""
    client = KafkaClient(own_broker.address)
    client.create_topics([TOPIC, DEAD_LETTERS.name], partitions=4)
    client.produce(TOPIC, map(a_line, range(RECORDS)))
    return client
