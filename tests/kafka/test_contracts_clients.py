"""What we rely on in aiokafka's clients beyond its documents: how they end, and who reads their settings."""

import asyncio
import gc
import warnings

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, ProducerClosed
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import TopicPartition
from kafka_client import KafkaClient

from dataflow.kafka.clients import drop, running
from dataflow.kafka.consumers import apply_settings, client_of, group_consumer, group_metadata, reader
from dataflow.kafka.producers import IdempotentProducer, TransactionalProducer
from dataflow.kafka.reading import read_to_end, read_up_to
from dataflow.kafka.transaction import transaction, transactional_producer

Reached = dict[str, object]


async def test_a_dropped_producer_fails_what_it_has_not_sent_at_once(reached: Reached, topic: str):
    """`_message_accumulator.fail_all`: whoever waits learns it, in place of waiting for a timeout."""
    producer = AIOKafkaProducer(**reached, linger_ms=60_000)
    await producer.start()
    waiting = await producer.send(topic, b"never sent", partition=0)
    await asyncio.wait_for(drop(producer), 30)
    with pytest.raises(ProducerClosed):
        await asyncio.wait_for(waiting, 30)
    assert producer._sender.sender_task.done()


async def test_a_dropped_producer_is_told_of_by_no_finalizer(reached: Reached):
    """`_closed`: a ResourceWarning is an error in our tests, and a line in the log of a worker."""
    for started in (True, False):
        producer = TransactionalProducer(reached, "dropped")
        if started:
            await producer.start()
        await drop(producer)
        del producer
        gc.collect()


async def test_an_idle_producer_has_nothing_in_flight(reached: Reached, topic: str):
    """`_in_flight`: an idle one is dropped without a pause."""
    producer = TransactionalProducer(reached, topic)
    await producer.start()
    async with transaction(producer):
        await producer.send(topic, b"x", partition=0)
    while producer._sender._in_flight:  # noqa: ASYNC110 - aiokafka tells nobody
        await asyncio.sleep(0.01)
    begun = asyncio.get_running_loop().time()
    await drop(producer)
    assert asyncio.get_running_loop().time() - begun < 0.25


@pytest.fixture
async def complaints() -> list[object]:
    """Return a list to which all is added that the loop would log as an error."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    return told


async def started(kind: type[AIOKafkaProducer], reached: Reached, topic: str) -> AIOKafkaProducer:
    """Return a producer that can send, in a transaction if it has any."""
    is_transactional = kind is TransactionalProducer
    producer = kind(reached, topic) if is_transactional else kind(reached)
    await producer.start()
    if is_transactional:
        await producer.begin_transaction()
    return producer


@pytest.mark.parametrize("kind", [IdempotentProducer, TransactionalProducer])
async def test_a_batch_that_fails_between_two_tries_fails_without_a_word(
    kind: type[AIOKafkaProducer], reached: Reached, topic: str, complaints: list[object]
):
    """`_pending_batches`: aiokafka looks for it there, and each one was a traceback when a broker died."""
    producer = await started(kind, reached, topic)
    await producer.send_and_wait(topic, b"sent", partition=0)
    waiting = await producer.send(topic, b"retried", partition=0)
    accumulator = producer._message_accumulator
    accumulator.reenqueue(accumulator._pop_batch(TopicPartition(topic, 0)))
    accumulator.fail_all(ProducerClosed())
    with pytest.raises(ProducerClosed):
        await waiting
    await drop(producer)
    assert complaints == []


@pytest.mark.parametrize("kind", [IdempotentProducer, TransactionalProducer])
async def test_a_batch_that_fails_before_its_turn_fails_without_a_word(
    kind: type[AIOKafkaProducer], reached: Reached, topic: str, complaints: list[object]
):
    """`_drain_waiter`: nobody waits for it; asyncio told of each whose producer was fenced or dropped."""
    producer = await started(kind, reached, topic)
    waiting = await producer.send(topic, b"unsent", partition=0)
    await drop(producer)
    with pytest.raises(ProducerClosed):
        await waiting
    del producer, waiting
    gc.collect()
    assert complaints == []


async def test_a_client_whose_start_is_cancelled_leaves_no_connection(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
):
    """`bootstrap()` alone knows the one that it begins with: its warning came in another one's place."""
    asked, send = asyncio.Event(), AIOKafkaConnection.send

    def note(self: AIOKafkaConnection, request: object, **options: object) -> object:
        if isinstance(request, MetadataRequest):
            asked.set()
        return send(self, request, **options)

    async def read() -> None:
        async with reader(reached):
            pytest.fail("it was cancelled before")

    monkeypatch.setattr(AIOKafkaConnection, "send", note)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        reading = asyncio.create_task(read())
        await asked.wait()
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        del reading
        gc.collect()
    assert [str(warning.message) for warning in told] == []


async def test_a_client_that_stops_at_once_stops(reached: Reached):
    """Aiokafka's `stop()` raises CancelledError when its tasks have not begun."""
    async with reader(reached):
        pass


async def test_a_client_that_cannot_start_is_stopped():
    """Nobody else would close its connections."""
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        async with running(producer):
            pass
    assert producer._closed


async def test_settings_that_are_made_after_the_constructor_are_used(reached: Reached, topic: str):
    """Faust hard-codes them; its consumer gets ours before it starts."""

    class Assignor:
        """Stands for Faust's."""

    consumer = AIOKafkaConsumer(**reached)
    apply_settings(consumer, Assignor)
    async with running(consumer):
        assert consumer._fetcher._isolation_level == 1
        assert consumer._fetcher._fetch_max_wait_ms == 500
        assert consumer._fetcher._max_partition_fetch_bytes == 1 << 20
        assert consumer._partition_assignment_strategy == [Assignor]
        assert consumer._client._request_timeout_ms == 40_000


async def test_a_member_without_a_generation_is_told_as_such(reached: Reached, topic: str, unique):
    """What aiokafka says after a lost session: `send_offsets` refuses it, for the broker would not."""
    consumer = group_consumer(reached, unique("group"), session_timeout_ms=6_000, leave_timeout_ms=1_000)
    consumer.subscribe([topic])
    async with running(consumer):
        consumer._coordinator.reset_generation()
        assert group_metadata(consumer) == (-1, "", None)


async def test_a_member_with_a_long_session_learns_of_another_in_a_moment(
    reached: Reached, topic: str, unique
):
    """By its next heartbeat, which came every quarter of a session: the other one waited for minutes."""
    limits = {"session_timeout_ms": 300_000, "leave_timeout_ms": 1_000}
    members = [group_consumer(reached, unique("group"), **limits) for _ in range(2)]
    for member in members:
        member.subscribe([topic])
    async with running(members[0]):
        assert len(members[0].assignment()) == 2
        async with asyncio.timeout(20), running(members[1]):
            while {len(member.assignment()) for member in members} != {1}:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)


async def test_reading_to_the_end_passes_what_is_aborted_and_the_marks_of_transactions(
    reached: Reached, topic: str, unique
):
    """The last offset is a mark: a reader that waits for a record from there waits for ever."""
    tps = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    async with transactional_producer(reached, unique("id")) as producer:
        async with transaction(producer):
            for tp in tps:
                await producer.send(topic, b"committed", partition=tp.partition)
        await producer.begin_transaction()
        await producer.send(topic, b"aborted", partition=0)
        await producer.acknowledged()
    async with reader(reached) as consumer:
        consumer.assign(tps)
        read = [(tp, r.value) async for tp, records in read_to_end(consumer, tps) for r in records]
    assert sorted(read) == [(tp, b"committed") for tp in tps]


async def test_what_an_open_transaction_holds_up_is_told_once(
    reached: Reached, topic: str, unique, kafka: KafkaClient
):
    """Recovery ends the transaction of a dead worker then, and reads on."""
    tp, told = TopicPartition(topic, 0), []
    async with transactional_producer(reached, unique("id")) as owner:
        await owner.begin_transaction()
        await owner.send(topic, b"1", partition=0)
        await owner.acknowledged()

        async def commit(stalled) -> None:
            told.append(list(stalled))
            await owner.commit_transaction()

        async with reader(reached) as consumer:
            consumer.assign([tp])
            reading = read_up_to(consumer, {tp: 1}, on_stalled=commit)
            assert [r.value async for _, records in reading for r in records] == [b"1"]
    assert told == [[tp]]


def test_a_request_on_a_connection_that_was_just_lost_is_retried(reached: Reached):
    """There uvloop raises RuntimeError, which nobody retries: a killed broker ended a worker by it."""

    async def send() -> None:
        async with reader(reached) as consumer:
            assert await consumer.topics() is not None
            connection, *_ = client_of(consumer)._conns.values()
            connection._read_task.cancel()  # else it may be the first to learn of it
            connection._writer.transport.abort()
            while "closed=False" in repr(connection._writer.transport):  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0)
            with pytest.raises(KafkaConnectionError):
                await connection.send(MetadataRequest([]))
            assert await consumer.topics() is not None  # by another connection

    uvloop.run(send())
