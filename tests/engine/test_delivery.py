"""Delivery rules 1, 2, 3 and 5 on a real broker: what is committed, and when."""

import asyncio

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from harness.relay import MARK, Names, Relay, events, numbers_in, pass_on, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batch


def committed(kafka: KafkaClient, names: Names) -> dict[int, int]:
    """Return the offsets that the group has committed, by partition."""
    admin = AdminClient({"bootstrap.servers": kafka.address})
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(names.group)])
    found = asked[names.group].result(30).topic_partitions
    return {tp.partition: tp.offset for tp in found if tp.topic == names.source and tp.offset >= 0}


async def test_outputs_counts_and_offsets_are_exact_over_clean_restarts(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 5; a rebalance alone made stock Faust lose 882 events (FAUST.md 0.7)."""
    for begin in (0, 500, 1000):
        kafka.produce(names.source, events(range(begin, begin + 500)))
        worker = relay(broker.address, names)
        async with running(worker):
            await until(lambda w=worker, n=begin: w.received == n + 500, "all events of this round")
            assert worker.counts() == {"a": begin + 500}
    outputs = kafka.read_topic(names.output)
    assert sorted(numbers_in(outputs)) == list(range(1500))
    assert sum(committed(kafka, names).values()) >= 1500


async def test_the_offset_is_that_of_the_finished_prefix(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 2: stock Faust commits 8 while 0 to 4 are in flight (FAUST.md 0.6, issue 606)."""
    held = asyncio.Event()

    async def hold_the_second(relay: Relay, batch: Batch) -> None:
        if batch.first:
            await held.wait()
        await pass_on(relay, batch)

    worker = relay(broker.address, names, hold_the_second, batch_records=10)
    kafka.produce(names.source, events(range(30)), partition=0)
    async with running(worker):
        await until(lambda: committed(kafka, names), "the first checkpoint")
        first_only = committed(kafka, names)
        outputs = numbers_in(kafka.read_topic(names.output))
        held.set()
        await until(lambda: worker.received == 30, "the rest")
    assert first_only == {0: 10}
    assert outputs == list(range(10))
    assert numbers_in(kafka.read_topic(names.output)) == list(range(30))


async def test_stopping_finishes_what_is_in_hand_and_commits_it(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 5; stock Faust waits for ever for a stuck agent (FAUST.md 3, shutdown)."""
    entered = asyncio.Event()

    async def take_time(relay: Relay, batch: Batch) -> None:
        rows = batch.apply(MARK)
        entered.set()
        await asyncio.sleep(0.3)  # what a slow lookup does
        relay.table.add(rows)
        await relay.output.send_batch(rows)

    worker = relay(broker.address, names, take_time)
    kafka.produce(names.source, events(range(10)), partition=0)
    async with running(worker):
        await entered.wait()
    assert committed(kafka, names) == {0: 10}
    assert numbers_in(kafka.read_topic(names.output)) == list(range(10))


async def test_a_stuck_agent_holds_the_end_back_no_longer_than_its_deadline(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 5: then the batch is simply read again by whoever comes next."""
    entered = asyncio.Event()

    async def never_end(relay: Relay, batch: Batch) -> None:
        entered.set()
        await asyncio.Event().wait()

    worker = relay(broker.address, names, never_end, drain_timeout_seconds=0.5)
    kafka.produce(names.source, events(range(10)), partition=0)
    async with asyncio.timeout(60):
        async with running(worker):
            await entered.wait()
    assert committed(kafka, names) == {}
    assert kafka.read_topic(names.output) == []


async def test_dead_letters_are_in_the_transaction_of_their_batch(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 3: raw bytes, reason and origin; the stream goes on, in order."""
    garbage = [b"", b"[1]", b"\xff\xfe", b'{"n": "one"}', None]
    values = [value for n, bad in enumerate(garbage) for value in (*events([n]), bad)]
    kafka.produce(names.source, values, keys=[b"k"] * len(values), headers=[("trace", b"7")], partition=2)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == len(values), "all events")
        event_counts = next(
            p for tp, p in worker.app.engine.partitions.items() if tp.partition == 2
        ).state.event_counts
        assert (event_counts.sent, event_counts.dead_lettered.total()) == (5, 5)
        assert worker.counts() == {"a": 5}
    assert numbers_in(kafka.read_topic(names.output)) == [0, 1, 2, 3, 4]
    dead = kafka.read_topic(names.dead)
    assert [(read.value, read.key, read.partition) for read in dead] == [(bad, b"k", 2) for bad in garbage]
    assert [dict(read.headers)["dataflow-offset"] for read in dead] == [b"1", b"3", b"5", b"7", b"9"]
    assert all(("trace", b"7") in read.headers for read in dead)


async def test_key_headers_timestamp_and_partition_survive(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A reader of the output sees what the producer sent, and the fields that were added."""
    kafka.produce(
        names.source,
        events([1]),
        keys=[b"key"],
        headers=[("a", b"1"), ("a", b"2")],
        partition=3,
        timestamps=[1234567890123],
    )
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 1, "the event")
    (read,) = kafka.read_topic(names.output)
    assert (read.partition, read.key, read.headers) == (3, b"key", (("a", b"1"), ("a", b"2")))
    assert read.timestamp == 1234567890123
    assert read.value == events([1])[0][:-1] + b', "mark": 1}'


async def test_a_checkpoint_comes_after_so_many_records_without_waiting(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The interval bounds latency, the number bounds memory and what is done again."""
    worker = relay(broker.address, names, checkpoint_seconds=60, checkpoint_records=100, batch_records=50)
    async with running(worker):
        kafka.produce(names.source, events([0]), partition=0)
        await until(lambda: worker.received == 1, "the first event, which need not wait")
        first = committed(kafka, names)
        kafka.produce(names.source, events(range(90)), partition=0)
        await until(lambda: any(p.records == 90 for p in worker.app.engine.partitions.values()), "90 events")
        assert committed(kafka, names) == first
        kafka.produce(names.source, events(range(90, 110)), partition=0)
        await until(lambda: committed(kafka, names) != first, "a checkpoint")


async def test_the_checkpoint_that_fails_is_done_again(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 4: an infrastructure fault ends the session and begins a new one; nothing is lost or doubled."""
    worker = relay(broker.address, names)
    async with running(worker):
        for begin in (0, 100, 200):
            kafka.produce(names.source, events(range(begin, begin + 100)))
            await until(lambda n=begin: worker.received == n + 100, "all events of this round")
            await steal(worker)  # the next checkpoint is fenced
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(300))
    assert not worker.app.engine.lifecycle.has_failed


async def steal(worker: Relay) -> None:
    """Fence the worker's producer, as one that takes over would."""
    producer = worker.app.engine.producer
    thief = producer.new(producer.transactional_id)
    await thief.start()
    await thief.stop()
