"""Sessions: after an error or a rebalance everything goes on where it was committed."""

import asyncio

import pytest
from aiokafka.errors import IllegalOperation, KafkaTimeoutError
from harness.relay import Names, Relay, events, numbers_in, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long


async def test_what_an_old_fetch_brings_after_a_new_session_is_not_lost(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A fetch waits for a second; a session may end and the next begin meanwhile.

    What it took behind the seek of the new session would never be read again.
    """
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        for begin in range(0, 100, 20):
            engine.fail(TimeoutError())
            await until(lambda: engine.partitions and not worker.app.rebalancing, "the next session")
            kafka.produce(names.source, events(range(begin, begin + 20)))
            await until(lambda n=begin: worker.received == n + 20, "the events behind it", 30)
        assert worker.counts() == {"a": 100}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(100))


async def test_what_an_old_fetch_brings_after_a_rebalance_is_not_lost(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The same, with a worker that comes and goes."""
    worker = relay(broker.address, names)
    async with running(worker):
        for begin in (0, 20):
            async with running(relay(broker.address, names)):
                await until(lambda: len(worker.app.engine.partitions) == 2, "a share for the other")
            await until(lambda: len(worker.app.engine.partitions) == 4, "all partitions back")
            kafka.produce(names.source, events(range(begin, begin + 20)))
            await until(lambda n=begin: worker.received == n + 20, "the events behind it", 30)
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(40))


async def test_errors_in_a_row_double_nothing_that_is_committed(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Checkpoints that cannot be written, in the middle of traffic."""
    worker = relay(broker.address, names, batch_records=50)
    async with running(worker):
        for begin in range(0, 2_000, 500):
            break_producer(worker)
            kafka.produce(names.source, events(range(begin, begin + 500)))
            await until(lambda n=begin: worker.received == n + 500, "all events of this round")
        assert worker.counts() == {"a": 2_000}
    outputs = numbers_in(kafka.read_topic(names.output))
    assert sorted(outputs) == list(range(2_000))


def break_producer(worker: Relay) -> None:
    """Let the next checkpoint fail as if the broker were away; the producer after it works."""

    async def time_out(*_: object, **__: object) -> None:
        raise KafkaTimeoutError

    worker.app.engine.producer.current.send_batch = time_out


async def test_a_worker_with_an_open_transaction_does_not_hold_its_successor_up(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Eviction: who takes over ends it at once, in place of waiting for its timeout."""
    dead = relay(broker.address, names)
    kafka.produce(names.source, events(range(100)))
    async with running(dead):
        await until(lambda: dead.received == 100, "the first checkpoint")
    await leave_open(dead, names)
    heir = relay(broker.address, names)
    kafka.produce(names.source, events(range(100, 200)))
    async with running(heir):
        await until(lambda: heir.received == 200, "all events", 8)  # the timeout alone is 10 s
        assert heir.counts() == {"a": 200}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(200))


async def leave_open(dead: Relay, names: Names) -> None:
    """Do what a worker does that is killed between its outputs and its commit."""
    managed = dead.app.engine.producer
    producer = managed.new(managed.transactional_id)
    await producer.start()
    await producer.begin_transaction()
    for topic in (names.output, names.changelog):
        await (await producer.send(topic, b'{"mark": -1}', key=b"per_kind|all|0|lost", partition=0))
    producer._sender._sender_task.cancel()
    await producer.client.close()
    producer._closed = True  # or it complains that nobody has stopped it


async def test_a_producer_that_is_fenced_between_two_sends_ends_the_session_only(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Aiokafka refuses the second send with `IllegalOperation`, which is no `KafkaError`.

    An exception that nobody expects would end the task that writes checkpoints.
    """
    worker = relay(broker.address, names)
    async with running(worker):
        kafka.produce(names.source, events(range(100)))
        await until(lambda: worker.received == 100, "the first checkpoint")
        refused = fence_between_two_sends(worker)
        kafka.produce(names.source, events(range(100, 200)))
        await until(lambda: worker.received == 200, "all events", 20)
        assert isinstance(refused.result(), IllegalOperation), "aiokafka says it otherwise now"
        assert worker.counts() == {"a": 200}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(200))


def fence_between_two_sends(worker: Relay) -> "asyncio.Future[BaseException]":
    """Let another producer take the id in the next transaction; return what its second send raises.

    Then the broker refuses the partitions that are added, by which aiokafka's sender ends.
    """
    managed, refused = worker.app.engine.producer, asyncio.get_running_loop().create_future()
    producer = managed.current
    add_group, send_batch = producer.add_group, producer.send_batch

    async def be_fenced(group_id: str) -> None:
        producer.add_group, producer.send_batch = add_group, send_first
        await add_group(group_id)
        thief = managed.new(managed.transactional_id)
        await thief.start()
        await thief.stop()

    async def send_first(*batch: object, **place: object) -> object:
        producer.send_batch = send_and_note
        return await send_batch(*batch, **place)

    async def send_and_note(*batch: object, **place: object) -> object:
        await asyncio.wait((producer._sender.sender_task,))
        try:
            return await send_batch(*batch, **place)
        except Exception as error:
            if not refused.done():
                refused.set_result(error)
            raise

    producer.add_group = be_fenced
    return refused
