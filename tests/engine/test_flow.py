"""Rule 6 on a real broker: memory is bounded, and a slow agent pauses its own partitions only."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from confluent_kafka import Producer
from harness.relay import MARK, Names, Relay, events, numbers_in, pass_on, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batch
from dataflow.engine.consumer import DRAIN_SECONDS

pytestmark = pytest.mark.long

KILOBYTE = b"x" * 1_000


def bulky(numbers: range) -> list[bytes]:
    """Return events of about a kilobyte each."""
    return [event[:-1] + b', "filler": "' + KILOBYTE + b'"}' for event in events(numbers)]


async def test_what_is_in_flight_stays_within_its_bytes(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A stuck agent and a long backlog: the worker holds a share of each partition, not the backlog."""
    go_on, entered = asyncio.Event(), asyncio.Event()

    async def wait(relay: Relay, batch: Batch) -> None:
        entered.set()
        await go_on.wait()
        await pass_on(relay, batch)

    worker = relay(broker.address, names, wait, in_flight_bytes=2 << 20, batch_records=100)
    for partition in range(4):
        kafka.produce(names.source, bulky(range(5_000)), partition=partition)
    engine = worker.app.engine
    async with running(worker):
        await entered.wait()
        await until(lambda: not engine.assignment.accepting(), "all partitions paused")
        held = {tp: p.in_flight_bytes for tp, p in engine.partitions.items()}
        go_on.set()
        await until(lambda: worker.received == 20_000, "all events")
    one_response = 1 << 20  # what a fetch brings is taken as a whole
    assert all(share <= (512 << 10) + one_response for share in held.values()), held
    assert len(kafka.read_topic(names.output)) == 20_000


async def test_a_slow_agent_pauses_its_own_partitions_only(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Another agent of the same worker goes on, and its checkpoints go through."""
    go_on, entered = asyncio.Event(), asyncio.Event()

    async def wait(relay: Relay, batch: Batch) -> None:
        entered.set()
        await go_on.wait()
        await pass_on(relay, batch)

    worker = relay(broker.address, names, wait)
    quick = f"quick-{names.group}"
    kafka.create_topics([quick, f"out-{quick}"], 4)
    app = worker.app
    source, output = app.batches(quick), app.batches(f"out-{quick}")

    @app.agent(source)
    async def hurry(batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            async with batch:
                await output.send_batch(batch.apply(MARK))

    kafka.produce(names.source, events(range(1_000)))
    async with running(worker):
        await entered.wait()
        kafka.produce(quick, events(range(1_000)))
        await until(lambda: len(kafka.read_topic(f"out-{quick}")) == 1_000, "the other agent's outputs", 20)
        go_on.set()
        await until(lambda: worker.received == 2_000, "all events")
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(1_000))


@pytest.fixture
def small_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a fetch bring little, so that many are needed."""
    monkeypatch.setattr("dataflow.kafka.consumers.FETCH_BYTES", 20_000)


async def test_a_partition_of_one_huge_record_batch_goes_through_in_parts(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, small_responses: None
):
    """The broker answers with one whole record batch though it is over the limit of a fetch."""
    sizes: list[int] = []

    async def note(relay: Relay, batch: Batch) -> None:
        await pass_on(relay, batch)
        sizes.append(batch.event_counts.received)

    worker = relay(broker.address, names, note, batch_records=50)
    kafka.produce(names.source, events(range(1_234)), partition=0)
    async with running(worker):
        await until(lambda: worker.received == 1_234, "all events")
    assert max(sizes) < 100
    assert numbers_in(kafka.read_topic(names.output)) == list(range(1_234))


async def test_an_event_too_large_for_the_output_is_a_dead_letter(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str]
):
    """Rule 3: it must not fail the checkpoint of its neighbours, for ever."""
    names = Names.of(unique)
    kafka.create_topics(names.output, 4)
    kafka.create_topics([names.source, names.dead], 4, max_message_bytes=4 << 20)
    large = events([2])[0][:-1] + b', "filler": "' + b"x" * (2 << 20) + b'"}'
    await asyncio.to_thread(produce_large, kafka, names.source, [*events([1]), large, *events([3])])
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 3, "all three")
        assert worker.counts() == {"a": 2}
    assert numbers_in(kafka.read_topic(names.output)) == [1, 3]
    (dead,) = kafka.read_topic(names.dead)
    assert dead.value == large
    assert dict(dead.headers)["dataflow-reason"] == b"too_large"


def produce_large(kafka: KafkaClient, topic: str, values: list[bytes]) -> None:
    """Write values over librdkafka's own limit."""
    producer = Producer(
        {"bootstrap.servers": kafka.address, "message.max.bytes": 8 << 20, "enable.idempotence": True}
    )
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0


async def test_memory_of_batches_is_let_go_while_the_agent_reads_on(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """A checkpoint comes by itself when half of the share is finished, whatever the interval."""
    worker = relay(broker.address, names, in_flight_bytes=1 << 20, checkpoint_seconds=60, batch_records=100)
    kafka.produce(names.source, bulky(range(3_000)), partition=0)
    async with running(worker):
        await until(lambda: len(kafka.read_topic(names.output)) > 1_500, "outputs, without an interval")


async def test_few_events_are_gathered_by_the_broker(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """One event a fetch, each with a batch of its own, is most of what a worker with little to do costs."""
    batches = 0

    async def count(relay: Relay, batch: Batch) -> None:
        nonlocal batches
        batches += 1
        await pass_on(relay, batch)

    worker = relay(broker.address, names, count, checkpoint_seconds=0.5)
    async with running(worker):
        began = time.monotonic()
        for n in range(300):
            kafka.produce(names.source, events([n]), partition=0)
            await asyncio.sleep(0.005)
        took = time.monotonic() - began
        await until(lambda: worker.received == 300, "all events")
    assert batches <= 3 + 2 * took / 0.5, took
    assert len(kafka.read_topic(names.output)) == 300


async def test_a_lone_event_is_not_waited_with(broker: EmbeddedBroker, kafka: KafkaClient, names: Names):
    """The interval bounds how often checkpoints are written under load; one event is written at once."""
    worker = relay(broker.address, names, checkpoint_seconds=20)
    async with running(worker):
        await asyncio.sleep(2 * DRAIN_SECONDS)  # the fetch that gathers nothing is over
        kafka.produce(names.source, events([1]), partition=0)
        await until(lambda: kafka.read_topic(names.output), "the output", seconds=10)
