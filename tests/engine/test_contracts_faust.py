"""What we rely on of Faust and mode beyond their documents: after an upgrade these tests say what broke."""

import asyncio
from collections.abc import Callable

from faust.transport.drivers import aiokafka as driver
from harness.relay import Names, events, pass_on, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batch
from dataflow.engine.consumer import BatchConsumer, GroupMetadataListener
from dataflow.engine.consumer_thread import BatchConsumerThread
from dataflow.engine.transport import BatchTransport


def overridden(ours: type, theirs: type) -> set[str]:
    """Return the methods of theirs that ours overrides."""
    return {name for name in vars(ours) if name in vars(theirs) or hasattr(theirs, name)} - {
        "__module__", "__doc__", "__annotations__", "__abstractmethods__", "_abc_impl", "logger",
    }  # fmt: skip


def test_the_consumer_still_has_the_methods_that_we_override():
    """A method that Faust renames would simply not be called any more."""
    assert {
        "_new_consumer_thread",
        "_drain_messages",
        "on_partitions_revoked",
        "on_partitions_assigned",
        "perform_seek",
        "wait_empty",
        "RebalanceListener",
    } <= overridden(BatchConsumer, driver.Consumer)
    assert "_create_worker_consumer" in overridden(BatchConsumerThread, driver.AIOKafkaConsumerThread)
    assert "on_partitions_assigned" in overridden(GroupMetadataListener, driver.ConsumerRebalanceListener)
    assert BatchTransport.Consumer is BatchConsumer


async def test_recovery_seeks_between_an_assignment_and_the_first_message(
    broker: EmbeddedBroker, names: Names
):
    """The third seam: `perform_seek`, awaited before the flow of messages begins."""
    order: list[str] = []
    worker = relay(broker.address, names)
    consumer = worker.app.batch_consumer
    seek, resume = consumer.perform_seek, consumer.resume_flow

    async def seeking() -> None:
        order.append("seek")
        await seek()
        order.append("sought")

    def resuming() -> None:
        order.append("resume")
        resume()

    consumer.perform_seek, consumer.resume_flow = seeking, resuming
    async with running(worker):
        await until(lambda: "resume" in order, "the first message may come")
    assert order[:3] == ["seek", "sought", "resume"]


def test_the_engine_is_started_before_the_consumer(unique: Callable[[str], str]):
    """A predecessor's transaction has to end before offsets are read."""
    app = relay("127.0.0.1:1", Names.of(unique)).app
    services = list(app.boot_strategy.server())
    assert 0 <= services.index(app.engine) < services.index(app.consumer)


async def test_whole_record_batches_reach_the_agent_through_the_conductor(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The second seam: one event of the stream is one `Batch`, and Faust acknowledges nothing.

    It begins at `_drain_messages` of the consumer, and goes through `decode` of the topic.
    """
    seen: list[object] = []

    async def note(worker: object, batch: Batch) -> None:
        seen.append(batch)
        await pass_on(worker, batch)

    worker = relay(broker.address, names, note)
    kafka.produce(names.source, events(range(500)), partition=0)
    async with running(worker):
        await until(lambda: worker.received == 500, "all events")
        consumer = worker.app.batch_consumer
        assert not any(consumer._acked.values())
        assert not any(consumer._unacked_messages)
    assert all(isinstance(batch, Batch) for batch in seen)
    assert len(seen) < 50


async def test_the_signal_begins_a_recovery_without_a_rebalance(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A new session after an error disturbs no other worker: same generation, seek, go on."""
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        generation = worker.app.consumer_generation_id
        before = set(engine.partitions.values())
        engine.fail(TimeoutError())
        await until(lambda: len(engine.partitions) == 4, "the partitions again")
        assert not before & set(engine.partitions.values())
        assert worker.app.consumer_generation_id == generation
        kafka.produce(names.source, events(range(100)))
        await until(lambda: worker.received == 100, "events after it")


async def test_generation_and_member_are_noted_while_they_are_known(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Trap 6: what aiokafka says after a lost session (-1 and "") the broker does not check."""
    worker = relay(broker.address, names)
    async with running(worker):
        noted = worker.app.batch_consumer.group_metadata
        coordinator = worker.app.batch_consumer.thread._ensure_consumer()._coordinator
        assert noted is not None
        assert tuple(noted) == (coordinator.generation, coordinator.member_id, None)
        assert noted[0] >= 1
        assert noted[1]


async def test_the_consumer_reads_committed_and_is_assigned_by_faust(broker: EmbeddedBroker, names: Names):
    """Without tables Faust would take round robin, of which nobody knows who owns what."""
    worker = relay(broker.address, names)
    async with running(worker):
        consumer = worker.app.batch_consumer.thread._ensure_consumer()
        assert consumer._isolation_level == "read_committed"
        assert consumer._fetcher._isolation_level == 1
        router = worker.app.router
        async with asyncio.timeout(30):
            while not router.external_topics_metadata():
                await router.refresh()
                await asyncio.sleep(0.1)
        owners = router.external_topics_metadata()
        (topics,) = owners.values()
        assert sorted(topics[names.source]) == [0, 1, 2, 3]


async def test_a_stopping_app_waits_for_us_before_the_consumer_leaves(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """`wait_empty` is called with the flow stopped, and the engine is stopped after the consumer."""
    order: list[str] = []
    worker = relay(broker.address, names)
    engine, consumer = worker.app.engine, worker.app.batch_consumer
    drain, stop, leave = engine.drain, engine.on_stop, consumer.on_stop

    async def draining() -> None:
        order.append(f"drain, flow {'on' if consumer.flow_active else 'off'}")
        await drain()

    async def stopping() -> None:
        order.append("engine stops")
        await stop()

    async def leaving() -> None:
        order.append("consumer leaves")
        await leave()

    async with running(worker):
        engine.drain, engine.on_stop, consumer.on_stop = draining, stopping, leaving
    assert set(order[: order.index("consumer leaves")]) == {"drain, flow off"}
    assert order[-1] == "engine stops"
