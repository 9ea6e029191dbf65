"""Streams apart: what befalls the topics of one stream holds up that stream alone; it goes on by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    ResourcePatternType,
    ResourceType,
)
from harness.relay import MARK, Names, Relay, events, numbers_in, pass_on, relay, running, until
from kafka_client import KafkaClient
from secure_broker import SecureListener
from table_parts import merge_entries, part_of

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batches
from dataflow.engine.event_time import EventTime
from dataflow.engine.pauses import Pause, PauseCause
from dataflow.engine.tables import ALL, DAY, WindowedTable
from dataflow.kafka.connection import connection
from dataflow.logs import Entry
from dataflow.topics import grow_topics

BOB = "User:bob"
ANY_RESOURCE = {
    ResourceType.TOPIC: "*",
    ResourceType.GROUP: "*",
    ResourceType.TRANSACTIONAL_ID: "*",
    ResourceType.BROKER: "kafka-cluster",
}


@dataclass(frozen=True)
class Guarded:
    """A broker that asks what bob may do."""

    listener: SecureListener
    broker: EmbeddedBroker
    kafka: KafkaClient
    """A client that may do anything."""
    admin: AdminClient
    """Another one."""

    @property
    def as_bob(self) -> dict[str, object]:
        """How bob reaches it."""
        listener = self.listener
        return connection(
            [listener.address],
            security="sasl_ssl",
            username=listener.user,
            password=listener.password,
            ca_file=listener.ca_file,
        )

    @contextmanager
    def denied(self, kind: ResourceType, name: str, operation: AclOperation) -> Iterator[None]:
        """Take a right away from bob for a while."""
        rule = kind, name, ResourcePatternType.LITERAL, BOB, "*", operation, AclPermissionType.DENY
        for done in self.admin.create_acls([AclBinding(*rule)]).values():
            done.result(30)
        try:
            yield
        finally:
            for deleted in self.admin.delete_acls([AclBindingFilter(*rule)]).values():
                deleted.result(30)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Return a broker with access control, where bob may do everything."""
    folder = tmp_path_factory.mktemp("guarded")
    listener = SecureListener(folder / "listener")
    access = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "group.min.session.timeout.ms": 1000,
    }
    broker = EmbeddedBroker(
        folder / "broker", listener.open_port, properties={**listener.properties, **access}
    )
    broker.start()
    broker.wait_ready()
    guarded = Guarded(
        listener, broker, KafkaClient(broker.address), AdminClient({"bootstrap.servers": broker.address})
    )
    everything = AclOperation.ALL, AclPermissionType.ALLOW
    allowed = [
        AclBinding(kind, name, ResourcePatternType.LITERAL, BOB, "*", *everything)
        for kind, name in ANY_RESOURCE.items()
    ]
    for made in guarded.admin.create_acls(allowed).values():
        made.result(30)
    yield guarded
    broker.kill()


@dataclass(frozen=True)
class TwoStreams:
    """A worker with two streams: topics of one are tampered with, the other goes on."""

    kafka: KafkaClient
    names: Names
    others: Names
    worker: Relay

    def send(self, numbers: range, *, everywhere: bool = True) -> None:
        """Send events to the first partition of one stream, or of both."""
        for names in (self.names, self.others) if everywhere else (self.others,):
            self.kafka.produce(names.source, events(numbers), partition=0)

    def committed(self, names: Names) -> int:
        """Return how many events of a stream are committed."""
        partitions = self.worker.app.engine.partitions.items()
        return sum(p.committed for tp, p in partitions if tp.topic == names.source and tp.partition == 0)

    async def wait_all(self, total: int) -> None:
        """Wait until both streams have committed so many events."""
        await until(lambda: self.committed(self.others) == total, "the other stream")
        await until(lambda: self.committed(self.names) == total, f"{self.names.source}, {self.pause}")

    @property
    def pause(self) -> Pause | None:
        """Why the first stream pauses."""
        return self.worker.app.engine.pauses.get(self.names.source)

    def check_outputs(self, total: int) -> None:
        """Fail unless each event is in the output of its stream once, in order."""
        for names in (self.names, self.others):
            assert numbers_in(self.kafka.read_topic(names.output)) == list(range(total))


def two_streams(guarded: Guarded, unique: Callable[[str], str], **options: object) -> TwoStreams:
    """Make topics, and a worker that is not started."""
    names = Names.of(unique)
    others = Names(names.group, unique("other-source"), unique("other-output"), names.dead)
    guarded.kafka.create_topics([*names.topics, others.source, others.output], 2)
    worker = relay(guarded.broker.address, names, connection=guarded.as_bob, **options)
    declare_other(worker, others)
    return TwoStreams(guarded.kafka, names, others, worker)


def declare_other(worker: Relay, names: Names) -> None:
    """Declare a second stream of a worker."""
    app = worker.app
    source = app.batches(names.source, event_time=EventTime("at", int), columns=MARK.columns)
    table = app.windowed_table(source, WindowedTable("others_per_kind", key="kind", windows=(DAY,)))
    other = Relay(app, source, app.batches(names.output), table)

    @app.agent(source, name="relay_others")
    async def relay_others(batches: Batches) -> None:
        async for batch in batches:
            async with batch:
                await pass_on(other, batch)


def counts(worker: Relay, names: Names) -> dict[str, int]:
    """Return what the table of the first stream has counted, by kind."""
    owned = worker.app.engine.partitions.items()
    mine = [p.state.table_partitions["per_kind"] for tp, p in owned if tp.topic == names.source]
    parts = [part_of(table_partition, ALL) for table_partition in mine]
    windows = merge_entries(worker.table.table, ALL, parts)
    return {entry["key"]: entry["count"] for window in windows for entry in window["entries"]}


def sentences(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, without fields."""
    return [r.msg.sentence if isinstance(r.msg, Entry) else r.getMessage() for r in caplog.records]


RIGHTS = {
    "write to the output": (lambda names: names.output, AclOperation.WRITE, "WRITE"),
    "read of the source": (lambda names: names.source, AclOperation.READ, "READ"),
    "write to the changelog": (lambda names: names.changelog, AclOperation.WRITE, "WRITE"),
    "read of the changelog": (lambda names: names.changelog, AclOperation.READ, "READ"),
}


@pytest.mark.parametrize("right", RIGHTS)
async def test_a_right_to_one_topic_that_is_taken_away_pauses_its_stream_alone(
    right: str, guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """An operator's slip with one topic ended the worker, and six streams with it."""
    topic_of, operation, name = RIGHTS[right]
    streams = two_streams(guarded, unique)
    topic = topic_of(streams.names)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with guarded.denied(ResourceType.TOPIC, topic, operation):
            streams.send(range(100, 200))
            await until(lambda: streams.pause is not None, "a pause")
            streams.send(range(200, 300))
            await until(lambda: streams.committed(streams.others) == 300, "the other stream")
            assert streams.pause is not None
            assert streams.pause.cause is PauseCause.ACCESS_DENIED
            assert streams.pause.detail == f"{BOB} is denied operation {name} on topic {topic}"
            assert streams.worker.app.watch.obstacle is None
        await streams.wait_all(300)
        assert streams.pause is None
    streams.check_outputs(300)
    assert sentences(caplog).count("Stream pauses; the others go on.") == 1
    assert sentences(caplog).count("Stream goes on.") == 1


async def test_a_worker_that_starts_without_a_right_to_one_output_runs_the_other_streams(
    guarded: Guarded, unique: Callable[[str], str]
):
    """Else a restart, by whoever watches it, would make the outage one of all streams."""
    streams = two_streams(guarded, unique)
    with guarded.denied(ResourceType.TOPIC, streams.names.output, AclOperation.ALL):
        streams.send(range(100))
        async with running(streams.worker):
            await until(lambda: streams.committed(streams.others) == 100, "the other stream")
            await until(lambda: streams.pause is not None, "a pause")
    async with running(two := relay_again(guarded, streams)):
        await TwoStreams(streams.kafka, streams.names, streams.others, two).wait_all(100)
    streams.check_outputs(100)


def relay_again(guarded: Guarded, streams: TwoStreams) -> Relay:
    """Return another worker of the same streams."""
    worker = relay(guarded.broker.address, streams.names, connection=guarded.as_bob)
    declare_other(worker, streams.others)
    return worker


@pytest.mark.parametrize("kind", [ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID])
async def test_a_right_without_which_no_stream_goes_on_is_waited_for_in_a_few_lines(
    kind: ResourceType, guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """There was a line five times a second, none of which said who may not do what."""
    streams = two_streams(guarded, unique)
    engine, watch = streams.worker.app.engine, streams.worker.app.watch
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        is_group = kind is ResourceType.GROUP
        name = streams.names.group if is_group else engine.producer.transactional_id
        wanted = (
            f"operation READ on group {name}" if is_group else f"operation WRITE on transactional id {name}"
        )
        with guarded.denied(kind, name, AclOperation.ALL):
            streams.send(range(100, 200))
            await until(
                lambda: f"{BOB} is denied {wanted}" in (watch.obstacle or ""), f"{wanted}, {watch.obstacle}"
            )
            caplog.clear()
            waited_until = engine.loop.time() + 10
            await until(lambda: engine.loop.time() > waited_until, "ten seconds")
            assert len([r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]) <= 10, sentences(
                caplog
            )
        await streams.wait_all(200)
        await until(lambda: watch.obstacle is None, "a ready worker")
    streams.check_outputs(200)


async def test_a_stream_whose_output_is_deleted_pauses_until_it_is_there_again(
    guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """Nothing moved, and the log only said `Future exception was never retrieved`."""
    streams = two_streams(guarded, unique)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        streams.kafka.delete_topic(streams.names.output)
        streams.send(range(100, 200))
        await until(lambda: streams.committed(streams.others) == 200, "the other stream")
        await until(lambda: streams.pause is not None, "a pause")
        assert streams.pause is not None
        assert streams.pause.cause is PauseCause.TOPIC_MISSING
        assert f"topic {streams.names.output}" in streams.pause.detail
        streams.kafka.create_topics(streams.names.output, 1)
        await streams.wait_all(200)
    assert numbers_in(streams.kafka.read_topic(streams.names.output)) == list(range(100, 200))
    assert not [line for line in sentences(caplog) if "never retrieved" in line]


@pytest.mark.parametrize("may_alter", [True, False])
async def test_partitions_that_are_added_to_a_source_are_counted_and_hold_up_nothing(
    may_alter: bool, guarded: Guarded, unique: Callable[[str], str]
):
    """All streams stood still after five minutes, and a new worker advised to throw the counts away."""
    streams = two_streams(guarded, unique)
    names = streams.names
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with guarded.denied(ResourceType.TOPIC, "none" if may_alter else names.changelog, AclOperation.ALTER):
            grown = guarded.admin.create_partitions([NewPartitions(names.source, 4)])
            grown[names.source].result(30)
            if not may_alter:
                await until(lambda: streams.pause is not None, "a pause")
                assert streams.pause is not None
                assert streams.pause.cause is PauseCause.PARTITIONS_ADDED
                assert "dataflow topics --grow" in streams.pause.awaited
                assert await grow_topics(connection([guarded.broker.address]), names.group) == {
                    names.changelog: 4
                }
            await until(lambda: len(streams.worker.app.engine.partitions) == 6, "six partitions")
            knows_them = KafkaClient(guarded.broker.address)
            knows_them.produce(names.source, events(range(100, 200)), partition=3)
            await until(lambda: counts(streams.worker, names) == {"a": 200}, "the counts")
            streams.send(range(100, 150), everywhere=False)
            await until(lambda: streams.committed(streams.others) == 150, "the other stream")
    assert sorted(numbers_in(streams.kafka.read_topic(names.output))) == list(range(200))
    async with running(again := relay_again(guarded, streams)):
        await until(lambda: counts(again, names) == {"a": 200}, "the counts after a restart")
