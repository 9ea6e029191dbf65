"""Taking partitions over: offsets and tables that belong together, and what to do when they do not."""

import asyncio
from collections.abc import Callable

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, ResourceType
from faust.types import TP
from harness.altered import altered
from harness.relay import Names, Relay, events, numbers_in, relay, running, start, until
from kafka_client import KafkaClient
from prometheus_client import REGISTRY

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.pauses import PauseCause
from dataflow.engine.resume import resume
from dataflow.engine.state import TableSuspended

pytestmark = pytest.mark.long


async def count(broker: EmbeddedBroker, names: Names, expected: int, **options: object) -> dict[str, int]:
    """Run a worker until it has counted so many events; return its counts."""
    worker = relay(broker.address, names, **options)
    async with running(worker):
        await until(lambda: worker.received == expected, f"{expected} events")
        return worker.counts()


def move_offset(kafka: KafkaClient, names: Names, offset: int) -> None:
    """Do what an operator does with kafka-consumer-groups.sh --reset-offsets."""
    moved = ConsumerGroupTopicPartitions(names.group, [TopicPartition(names.source, 0, offset)])
    admin = AdminClient({"bootstrap.servers": kafka.address})
    admin.alter_consumer_group_offsets([moved])[names.group].result(30)


@pytest.mark.parametrize("offset", [0, 40, 500])
async def test_offsets_moved_by_hand_pause_their_stream_until_somebody_says_so(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, offset: int
):
    """Read again they count twice, left out they are missing; the worker ended, with all its streams."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    move_offset(kafka, names, offset)
    kafka.produce(names.source, events(range(100, 110)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.app.engine.lifecycle.is_running, "recovery")
        pause = worker.app.engine.pauses.get(names.source)
        assert pause is not None
        assert pause.cause is PauseCause.OFFSET_MOVED
        assert f"committed offset of {names.source}/0 is {offset}; expected 100" in pause.detail
        await resume(worker.app.engine, names.source)
        await until(lambda: worker.received == 110, "what came after it")
    assert await count(broker, names, 110) == {"a": 110}
    assert numbers_in(kafka.read_topic(names.output)) == list(range(110))


async def test_without_offsets_it_goes_on_where_its_tables_have_counted(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Offsets expire after a week of standing still; the changelog does not."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    admin = AdminClient({"bootstrap.servers": kafka.address})
    admin.delete_consumer_groups([names.group])[names.group].result(30)
    kafka.produce(names.source, events(range(100, 130)), partition=0)
    assert await count(broker, names, 130) == {"a": 130}
    assert numbers_in(kafka.read_topic(names.output)) == list(range(130))


async def test_without_a_changelog_its_tables_are_suspended_and_the_stream_goes_on(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """Counts that silently begin at nothing are wrong, and nobody is told."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    kafka.delete_topic(names.changelog)
    kafka.produce(names.source, events(range(100, 130)), partition=0)
    for since_ever in (30, 30):  # over a restart, too
        worker = relay(broker.address, names)
        async with running(worker):
            await until(lambda w=worker, n=since_ever: w.received == n, "all events")
            state = worker.app.engine.partitions[TP(names.source, 0)].state
            with pytest.raises(TableSuspended, match="is empty, though offset 100 is committed"):
                state.table_partition("per_kind")
    assert numbers_in(kafka.read_topic(names.output)) == list(range(130))
    assert "Table is suspended, its stream goes on." in caplog.text
    assert "`dataflow tables rebuild per_kind` rebuilds it" in caplog.text


async def test_tables_are_suspended_where_the_begin_of_their_changelog_was_deleted(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """What was left was taken for all: too few events were counted, or the worker ended at each start."""
    for total, kind in ((100, "a"), (200, "b")):
        kafka.produce(names.source, events(range(100), kind), partition=0)
        await count(broker, names, total)
    with altered(broker.address, ResourceType.TOPIC, names.changelog, {"cleanup.policy": "compact,delete"}):
        kafka.delete_records(names.changelog, 0, 3)
    kafka.produce(names.source, events(range(100), "b"), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 300, "all events")
        state = worker.app.engine.partitions[TP(names.source, 0)].state
        with pytest.raises(TableSuspended, match="begins at offset 3; expected 0: records were deleted"):
            state.table_partition("per_kind")
        await worker.app.rebuilds.begin("per_kind", from_now=False)
        await until(
            lambda: not any(p.state.suspended for p in worker.app.engine.partitions.values()), "a rebuild"
        )
        assert worker.counts() == {"a": 100, "b": 200}
    assert await count(broker, names, 300) == {"a": 100, "b": 200}


async def test_without_a_changelog_and_without_what_was_counted_its_tables_are_suspended_too(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Where retention had deleted all that was counted, they silently began at nothing."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    kafka.delete_topic(names.changelog)
    kafka.delete_records(names.source, 0, 100)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.app.engine.lifecycle.is_running, "recovery")
        state = worker.app.engine.partitions[TP(names.source, 0)].state
        with pytest.raises(TableSuspended, match="is empty, though offset 100 is committed"):
            state.table_partition("per_kind")


async def test_records_deleted_by_retention_are_told_and_it_goes_on(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """Nobody can read them any more: what is left is counted, and the log says what is missing."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    kafka.produce(names.source, events(range(100, 200)), partition=0)
    kafka.delete_records(names.source, 0, 150)
    assert await count(broker, names, 150) == {"a": 150}
    assert "first_offset=100 last_offset=149" in caplog.text
    assert REGISTRY.get_sample_value("dataflow_lost_records_total", {"stream": names.source}) == 50


async def test_the_beginning_of_a_topic_that_was_deleted_before_us_is_no_loss(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """A new app begins with what there is."""
    kafka.produce(names.source, events(range(100)), partition=0)
    kafka.delete_records(names.source, 0, 60)
    assert await count(broker, names, 40) == {"a": 40}
    assert "were deleted before they were read" not in caplog.text


@pytest.mark.parametrize("records", [10, 150])
async def test_a_topic_that_was_made_anew_is_not_read_until_somebody_says_so(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, records: int, caplog: pytest.LogCaptureFixture
):
    """With more records than before it went on in the middle: 40 of 400 were never read, without a word."""
    kafka.produce(names.source, events(range(100)), partition=0)
    await count(broker, names, 100)
    kafka.delete_topic(names.source)
    kafka.create_topics(names.source, 4)
    kafka.produce(names.source, events(range(1_000, 1_000 + records)), partition=0)
    for _ in range(2):  # a restart alone changes nothing
        worker = relay(broker.address, names)
        async with running(worker):
            await until(lambda w=worker: w.app.engine.lifecycle.is_running, "recovery")
            [pause] = {p.pause for p in worker.app.engine.partitions.values()}
            assert pause is not None
            assert pause.cause is PauseCause.TOPIC_MADE_ANEW
            assert f"topic {names.source} was deleted and created again" in pause.detail
            assert worker.received == 100
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.app.engine.lifecycle.is_running, "recovery")
        await resume(worker.app.engine, names.source)
        await until(lambda: worker.received == 100 + records, "all of the new topic")
    assert await count(broker, names, 100 + records) == {"a": 100 + records}
    assert numbers_in(kafka.read_topic(names.output)) == [*range(100), *range(1_000, 1_000 + records)]


async def test_a_changelog_that_was_made_anew_under_a_worker_is_noticed(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """A broker that makes topics by itself does so: what the new one holds is not all that was counted."""
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", 0.2)
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        kafka.delete_topic(names.changelog)
        kafka.create_topics(names.changelog, 4, cleanup_policy="compact")
        await until(lambda: suspended(worker, names), "the table to be suspended")
        kafka.produce(names.source, events(range(100, 130)), partition=0)
        await until(lambda: len(kafka.read_topic(names.output)) == 130, "the stream to go on")
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: suspended(worker, names), "the table to be suspended after a restart, too")


def suspended(worker: Relay, names: Names) -> bool:
    """Tell whether the table counts nothing of partition 0, and says why."""
    partition = worker.app.engine.partitions.get(TP(names.source, 0))
    return partition is not None and "per_kind" in partition.state.suspended


async def test_tables_stay_in_memory_when_partitions_come_back(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """Offset and tables move in one transaction: where the offset is ours, the tables are right."""
    caplog.set_level("INFO", "dataflow.engine.recovery")
    kafka.produce(names.source, events(range(400)))
    first, second = relay(broker.address, names), relay(broker.address, names)
    async with running(first):
        await until(lambda: first.received == 400, "all events")
        async with running(second):
            await until(lambda: len(first.app.engine.partitions) == 2, "a share for the second")
            for partition in range(4):  # both have some, whichever they own
                kafka.produce(
                    names.source,
                    events(range(400 + 100 * partition, 500 + 100 * partition)),
                    partition=partition,
                )
            await until(lambda: -1 < first.received < first.received + second.received == 800, "all events")
            assert first.counts()["a"] + second.counts()["a"] == 800
        await until(lambda: first.received == 800, "all partitions with the first again")
        assert first.counts() == {"a": 800}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(800))
    lines = [line for line in caplog.messages if line.startswith("Partitions are recovered. ")]
    assert any("retained=0" not in line for line in lines), caplog.messages


async def test_partitions_are_spread_evenly_after_one_has_come_and_gone(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A share of 2, 2, 0 would make a third worker of no use."""
    first, second, third, fourth = (relay(broker.address, names) for _ in range(4))
    kafka.produce(names.source, events(range(400)))
    async with running(first, second):
        async with running(third):
            await until(lambda: shares(first, second, third) == [1, 1, 2], "an even spread over three")
        await until(lambda: shares(first, second) == [2, 2], "an even spread over two")
        async with running(fourth):
            await until(lambda: shares(first, second, fourth) == [1, 1, 2], "an even spread over three again")
            await until(
                lambda: sum(worker.received for worker in (first, second, fourth)) == 400, "all events"
            )


def shares(*workers: Relay) -> list[int]:
    """Return how many partitions each has, the smallest first."""
    return sorted(len(worker.app.engine.partitions) for worker in workers)


async def test_a_worker_that_owns_nothing_is_ready_at_once(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str]
):
    """It has nothing to recover."""
    names = Names.of(unique)
    kafka.create_topics(names.topics, 1)
    first, second = relay(broker.address, names), relay(broker.address, names)
    async with running(first), running(second):
        await until(lambda: shares(first, second) == [0, 1], "the one partition with one of them")
        await until(lambda: second.app.engine.is_ready and not second.app.rebalancing, "ready", 5)


async def test_two_workers_that_start_at_once_share_the_partitions(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Both make the changelog; one of them is faster."""
    kafka.produce(names.source, events(range(400)))
    first, second = relay(broker.address, names), relay(broker.address, names)
    try:
        await asyncio.gather(start(first), start(second))
        await until(lambda: shares(first, second) == [2, 2], "an even spread")
        await until(lambda: first.received + second.received == 400, "all events")
    finally:
        await asyncio.gather(first.app.stop(), second.app.stop())
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(400))
