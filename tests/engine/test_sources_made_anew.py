"""Sources that change under a running worker: deleted and made anew, or truncated by retention."""

import pytest
from aiokafka.errors import KafkaTimeoutError
from harness.relay import Names, Relay, events, numbers_in, relay, running, until
from kafka_client import KafkaClient, Read

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.pauses import PauseCause
from dataflow.engine.resume import resume

pytestmark = pytest.mark.long

NEVER_SECONDS = 3_600.0
RETENTION = "were deleted before they were read"


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning or an error."""
    return [record.getMessage() for record in caplog.records if record.levelno >= 30]


def is_made_anew(worker: Relay, names: Names) -> bool:
    """Tell whether the stream pauses because its source is another topic."""
    return cause_of(worker, names) is PauseCause.TOPIC_MADE_ANEW


@pytest.mark.parametrize("records", [10, 100, 250])
async def test_a_source_that_is_made_anew_between_two_looks_is_not_counted(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    records: int,
    monkeypatch: pytest.MonkeyPatch,
):
    """With fewer records the worker ended, and all of its streams with it. Here nobody looks at all."""
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", NEVER_SECONDS)
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        kafka.delete_topic(names.source)
        kafka.create_topics(names.source, 4)
        kafka.produce(names.source, events(range(1_000, 1_000 + records)), partition=0)
        if records == 100:  # the position is at its end: the next record is the first that tells
            kafka.produce(names.source, events(range(1_100, 1_101)), partition=0)
        await until(lambda: is_made_anew(worker, names), "a pause")
        await until(lambda: engine.lifecycle.is_running, "recovery")
        assert worker.received == 100
        assert worker.counts() == {"a": 100}
        assert numbers_in(kafka.read_topic(names.output)) == list(range(100))
        await resume(engine, names.source)
        total = records + (records == 100)
        await until(lambda: worker.received == 100 + total, "all of the new topic")
        assert worker.counts() == {"a": 100 + total}
    assert numbers_in(kafka.read_topic(names.output)) == [*range(100), *range(1_000, 1_000 + total)]


async def test_records_of_another_topic_are_not_taken_for_the_next_ones(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """A fetch does not say of which topic its records are: only the topic's id does, at the commit.

    The worker has records in hand and asks for none while the topic goes and comes, so that no answer tells.
    """
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", NEVER_SECONDS)
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        await fetch_and_hold(worker, kafka, names)
        kafka.delete_topic(names.source)
        kafka.create_topics(names.source, 4)
        kafka.produce(names.source, events(range(1_000, 1_400)), partition=0)
        await resume(engine, names.source)
        await until(lambda: is_made_anew(worker, names), "a pause")
        await until(lambda: engine.lifecycle.is_running, "recovery")
        assert worker.counts() == {"a": 100}
        await resume(engine, names.source)
        await until(lambda: worker.received == 500, "all of the new topic")
        assert worker.counts() == {"a": 500}
    assert numbers_in(kafka.read_topic(names.output)) == [*range(100), *range(1_000, 1_400)]


@pytest.mark.parametrize("is_running", [True, False])
async def test_a_source_that_is_made_anew_with_fewer_partitions_pauses_until_it_has_as_many(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    is_running: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    """No worker started any more, and with it no other stream: two partitions that were counted are gone."""
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", 0.2)
    for number in range(4):
        kafka.produce(names.source, events(range(number * 25, number * 25 + 25)), partition=number)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        if is_running:
            make_with_two(kafka, names)
            await until(lambda: cause_of(worker, names) is PauseCause.PARTITIONS_MISSING, "a pause")
    if not is_running:
        make_with_two(kafka, names)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: cause_of(worker, names) is PauseCause.PARTITIONS_MISSING, "a pause at a start")
        kafka.grow_topic(names.source, 4)
        await until(lambda: cause_of(worker, names) is PauseCause.TOPIC_MADE_ANEW, "as many as before")
        await until(lambda: len(worker.app.engine.partitions) == 4, "all partitions")
        await resume(worker.app.engine, names.source)
        await until(lambda: worker.received == 110, "the new events")
        assert worker.counts() == {"a": 110}


def refuse_once(worker: Relay) -> None:
    """Let the next question for the earliest offsets of a worker fail, as if the broker were away."""
    consumer = worker.app.batch_consumer
    ask = consumer.earliest_offsets

    async def fail(*_: object) -> None:
        consumer.earliest_offsets = ask
        raise KafkaTimeoutError

    consumer.earliest_offsets = fail


def make_with_two(kafka: KafkaClient, names: Names) -> None:
    """Make the source anew, with two partitions and ten events."""
    kafka.delete_topic(names.source)
    kafka.create_topics(names.source, 2)
    kafka.produce(names.source, events(range(100, 110)), partition=1)


def cause_of(worker: Relay, names: Names) -> PauseCause | None:
    """Return why the stream pauses."""
    pause = worker.app.engine.pauses.get(names.source)
    return pause and pause.cause


async def fetch_and_hold(worker: Relay, kafka: KafkaClient, names: Names) -> None:
    """Let a worker fetch a record of each partition of its source, and take none of them."""
    engine = worker.app.engine
    engine.pauses.begin(names.source, PauseCause.DEAD_LETTERS, "by hand", "somebody")
    engine.assignment.interrupt_fetches()
    for tp, partition in engine.partitions.items():
        kafka.produce(names.source, events([9_999]), partition=tp.partition)
        await until(lambda tp=tp, p=partition: engine.group.stable_end(tp) > p.position, f"a fetch of {tp}")


async def test_partitions_that_a_recovery_is_the_first_to_see_are_read(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """It looks at the topics, too: of what was new then the group was not told, and nobody read it."""
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", 2.0)
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        await until(lambda: engine.lifecycle.is_running, "recovery")
        kafka.grow_topic(names.source, 6)
        await engine.inspector.inspect()  # as a recovery does
        await until(lambda: len(engine.partitions) == 6, "the new partitions", 20)
        KafkaClient(broker.address).produce(names.source, events(range(10)), partition=5)
        await until(lambda: worker.received == 10, "their events")


async def test_history_that_retention_deletes_behind_the_position_is_nobody_s_loss(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """It happens to every topic, all day: under a running worker, up to its position, and at a restart."""
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        for deleted, numbers in ((40, range(100, 130)), (130, range(130, 150))):
            kafka.delete_records(names.source, 0, deleted)
            kafka.produce(names.source, events(numbers), partition=0)
            await until(lambda n=numbers.stop: worker.received == n, "all events")
    kafka.delete_records(names.source, 0, 150)
    again = relay(broker.address, names)
    async with running(again):
        kafka.produce(names.source, events(range(150, 160)), partition=0)
        await until(lambda: again.received == 160, "all events after a restart")
        assert again.counts() == {"a": 160}
    assert numbers_in(kafka.read_topic(names.output)) == list(range(160))
    assert not complaints(caplog)


async def test_records_that_retention_deletes_while_their_stream_pauses_are_told_as_lost(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """Nobody can read them any more; the stream goes on behind them, and the worker with it."""
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        await delete_behind_what_is_held(worker, kafka, names)
        await resume(worker.app.engine, names.source)
        await until(lambda: worker.received == 154, "what is left, and what was in hand")
        assert worker.counts() == {"a": 154}
    assert numbers_in(of_first(kafka.read_topic(names.output))) == [*range(100), 9_999, *range(150, 200)]
    [told] = [line for line in complaints(caplog) if RETENTION in line]
    assert "first_offset=101 last_offset=149" in told


async def test_a_broker_that_does_not_say_what_it_has_deleted_is_asked_again(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """It is restarted at that moment: the worker ended; what it had in hand, it may have to read again."""
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        await delete_behind_what_is_held(worker, kafka, names)
        refuse_once(worker)
        await resume(worker.app.engine, names.source)
        await until(
            lambda: worker.received >= 150 and not worker.app.engine.assignment.uncommitted(), "the rest"
        )
        total = worker.received
        assert worker.counts() == {"a": total}
    written = kafka.read_topic(names.output)
    assert len(written) == total
    of_the_feed = [number for number in numbers_in(of_first(written)) if number != 9_999]
    assert of_the_feed == [*range(100), *range(150, 200)]
    assert [line for line in complaints(caplog) if RETENTION in line]


async def delete_behind_what_is_held(worker: Relay, kafka: KafkaClient, names: Names) -> None:
    """Delete records that come after those which a worker has in hand."""
    await fetch_and_hold(worker, kafka, names)
    kafka.produce(names.source, events(range(101, 200)), partition=0)
    kafka.delete_records(names.source, 0, 150)


def of_first(written: list[Read]) -> list[Read]:
    """Return what is in the first partition."""
    return [read for read in written if read.partition == 0]
