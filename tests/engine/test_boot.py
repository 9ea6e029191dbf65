"""Before the first event: topics, changelogs, and a broker that is not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError
from confluent_kafka.admin import AdminClient
from harness.certificates import Authority
from harness.relay import Names, events, numbers_in, relay, running, until
from kafka_client import KafkaClient
from secure_broker import SecureListener

from dataflow.catalogue.topic import DeclaredTopic
from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port
from dataflow.engine.app import App
from dataflow.engine.boot import prepare_topics
from dataflow.engine.topology import Source
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import connect_admin
from dataflow.kafka.connection import connection
from dataflow.topics import wait_for_topics


def source_of(names: Names) -> Source:
    """Return the source of an app of these names."""
    return Source(App(names.group).batches(names.source))


async def test_a_missing_changelog_is_made_with_the_partitions_of_its_source(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Tables of a partition are kept in the changelog's partition of the same number."""
    counts = await prepare_topics(connection([broker.address]), [source_of(names)], [names.output])
    assert counts == {names.source: 4, names.output: 4}
    topics = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=10).topics
    assert len(topics[names.changelog].partitions) == 4


async def test_missing_topics_are_named_all_at_once(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str]
):
    """One error, one command to mend it; and nothing is made by accident."""
    names = Names.of(unique)
    kafka.create_topics(names.dead)
    with pytest.raises(Misconfigured, match=f"topics {names.output}, {names.source} do not exist"):
        await prepare_topics(connection([broker.address]), [source_of(names)], [names.output, names.dead])


async def test_asking_for_a_missing_topic_does_not_make_it(tmp_path: Path, unique: Callable[[str], str]):
    """Kafka's default is to make what is asked for, with one partition."""
    names = Names.of(unique)
    lenient = EmbeddedBroker(tmp_path, properties={"auto.create.topics.enable": "true"})
    lenient.start()
    lenient.wait_ready()
    try:
        for _ in range(2):
            with pytest.raises(Misconfigured, match="do not exist"):
                await prepare_topics(connection([lenient.address]), [source_of(names)], [names.output])
    finally:
        lenient.kill()


async def test_a_changelog_with_more_partitions_than_its_source_ends_no_start(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The source was made anew with fewer, say: its stream pauses alone (`test_sources_made_anew`)."""
    kafka.create_topics(names.changelog, 5, cleanup_policy="compact")
    counts = await prepare_topics(connection([broker.address]), [source_of(names)], [])
    assert counts[names.source] == 4


async def test_a_changelog_grows_with_its_source(broker: EmbeddedBroker, kafka: KafkaClient, names: Names):
    """The source was given more partitions while no worker ran; what was counted stays where it is."""
    kafka.create_topics(names.changelog, 3, cleanup_policy="compact")
    await prepare_topics(connection([broker.address]), [source_of(names)], [])
    topics = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=10).topics
    assert len(topics[names.changelog].partitions) == 4


async def test_a_worker_that_starts_while_one_of_several_brokers_has_died_asks_another(
    broker: EmbeddedBroker, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    """The others still list it, and the client picks one at random: then such a worker ended."""
    describe, asked = AIOKafkaAdminClient.describe_topics, list[AIOKafkaAdminClient]()

    async def die_at_first(self: AIOKafkaAdminClient, *topics: object) -> object:
        asked.append(self)
        if len(asked) == 1:
            raise NodeNotReadyError
        return await describe(self, *topics)

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", die_at_first)
    topic = DeclaredTopic(unique("made"), "made at a start", partitions=1)
    report = await wait_for_topics(connection([broker.address]), [topic])
    assert report.created == (topic.name,)


async def test_a_broker_that_does_not_answer_is_waited_for_and_then_told():
    """Address, security and what to look at."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Misconfigured, match="does not answer") as raised:
        await connect_admin(connection([address]), wait_seconds=0.5)
    assert address in str(raised.value)
    assert "PLAINTEXT" in str(raised.value)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecureListener, EmbeddedBroker]]:
    """Return a broker with passwords over TLS, and what a client needs for it."""
    folder = tmp_path_factory.mktemp("secure")
    listener = SecureListener(folder / "listener")
    properties = {**listener.properties, "group.min.session.timeout.ms": 1000}
    broker = EmbeddedBroker(folder / "broker", listener.open_port, properties=properties)
    broker.start()
    broker.wait_ready()
    yield listener, broker
    broker.kill()


async def test_a_worker_runs_through_passwords_and_tls(
    secure: tuple[SecureListener, EmbeddedBroker], unique: Callable[[str], str]
):
    """Every client: Faust's two, the admin, the producer, both readers of a recovery."""
    listener, broker = secure
    open_side, names = KafkaClient(broker.address), Names.of(unique)
    open_side.create_topics(names.topics, 2)
    reached = connection(
        [listener.address],
        security="sasl_ssl",
        username=listener.user,
        password=listener.password,
        ca_file=listener.ca_file,
    )
    for total in (100, 200):
        open_side.produce(names.source, events(range(total - 100, total)))
        worker = relay(broker.address, names, connection=reached)
        async with running(worker):
            await until(lambda w=worker, n=total: w.received == n, "all events")
            assert worker.counts() == {"a": total}
    assert sorted(numbers_in(open_side.read_topic(names.output))) == list(range(200))


async def test_a_wrong_password_is_told_as_such(
    secure: tuple[SecureListener, EmbeddedBroker], caplog: pytest.LogCaptureFixture
):
    """The log has the broker's own words, the error says where to look."""
    listener, _ = secure
    reached = connection(
        [listener.address],
        security="sasl_ssl",
        username=listener.user,
        password="wrong",
        ca_file=listener.ca_file,
    )
    expected = "Invalid username or password; expected DATAFLOW_BROKER_USERNAME and DATAFLOW_BROKER_PASSWORD"
    with pytest.raises(Misconfigured, match=expected):
        await connect_admin(reached, wait_seconds=0.5)
    assert "Invalid username or password" in caplog.text


async def test_certificates_of_the_broker_are_read_again_at_each_connection(
    secure: tuple[SecureListener, EmbeddedBroker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A renewed CA would else be an outage at the next lost connection, until a restart."""
    monkeypatch.setattr("dataflow.watched_files.LOOK_SECONDS", 0.0)
    listener, _ = secure
    Authority(tmp_path, "other")
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(listener.ca_file.read_bytes())
    reached = connection(
        [listener.address],
        security="sasl_ssl",
        username=listener.user,
        password=listener.password,
        ca_file=trusted,
    )
    await (await connect_admin(reached)).stop()
    trusted.write_bytes((tmp_path / "other.crt").read_bytes())
    with pytest.raises(Misconfigured, match=r"is not trusted.*DATAFLOW_BROKER_CA_FILE"):
        await connect_admin(reached, wait_seconds=0.5)
    trusted.write_bytes(b"")  # broken: what was read last stays
    with pytest.raises(Misconfigured, match=r"is not trusted.*DATAFLOW_BROKER_CA_FILE"):
        await connect_admin(reached, wait_seconds=0.5)
    trusted.write_bytes(listener.ca_file.read_bytes())
    await (await connect_admin(reached)).stop()
