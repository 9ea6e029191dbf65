"""Transactions on a real broker: all of one or nothing, and one error for a producer that is fenced."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from aiokafka.errors import IllegalOperation, ProducerFenced
from kafka_client import KafkaClient

from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.clients import drop
from dataflow.kafka.errors import Fenced, KafkaError, RecordsTooLarge
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.transaction import transaction, transactional_producer
from dataflow.kafka.types import TopicPartition

Reached = dict[str, object]


async def send_all(producer: TransactionalProducer, records: Iterable[tuple[str, bytes]]) -> None:
    """Send records in one transaction."""
    async with transaction(producer):
        for topic, value in records:
            await producer.send(topic, value, partition=0)


async def take_over(reached: Reached, producer: TransactionalProducer) -> None:
    """Start another producer with the transactional id of this one."""
    async with transactional_producer(reached, producer.transactional_id):
        pass


@pytest.fixture
async def producer(reached: Reached, unique: Callable[[str], str]):
    """Return a started transactional producer."""
    async with transactional_producer(reached, unique("id")) as started:
        yield started


async def test_all_is_committed_when_the_block_ends(
    producer: TransactionalProducer, topic: str, kafka: KafkaClient
):
    """Nobody has to await what the broker answers to each record."""
    async with transaction(producer):
        for n in range(3):
            await producer.send(topic, b"%d" % n, partition=0)
    assert [read.value for read in kafka.read_topic(topic)] == [b"0", b"1", b"2"]


async def test_partitions_that_are_added_first_take_one_request(
    producer: TransactionalProducer, topic: str, monkeypatch: pytest.MonkeyPatch
):
    """By itself aiokafka adds each as its first record comes: a checkpoint packs them one after the other."""
    requests, send = Counter[str](), producer.client.send

    async def send_and_note(node: int, request: object, **options: object) -> object:
        requests[type(request).__name__] += 1
        return await send(node, request, **options)

    monkeypatch.setattr(producer.client, "send", send_and_note)
    async with transaction(producer):
        producer.add_partitions(TopicPartition(topic, number) for number in range(2))
        for number in range(2):
            await producer.send(topic, b"x", partition=number)
            await asyncio.sleep(0.02)  # as a partition takes that has much to pack
        await producer.acknowledged()
    assert requests["AddPartitionsToTxnRequest"] == 1


async def test_a_broker_that_allows_only_shorter_transactions_is_told_by_its_setting(
    reached: Reached, unique: Callable[[str], str]
):
    """Its administrator was told that it has no transactions."""
    with pytest.raises(
        Misconfigured, match=r"^transaction\.max\.timeout\.ms of the broker is less than 10000000"
    ):
        async with transactional_producer(reached, unique("id"), timeout_ms=10_000_000):
            pass


async def test_a_producer_that_is_fenced_between_two_sends(
    reached: Reached, producer: TransactionalProducer, topic: str
):
    """The second is refused by `IllegalOperation`, a bare `Exception`; aiokafka keeps what has happened."""

    async def send_two() -> None:
        async with transaction(producer):
            await take_over(reached, producer)
            await asyncio.wait((await producer.send(topic, b"1", partition=0),))
            await producer.send(topic, b"2", partition=0)

    with pytest.raises(Fenced) as raised:
        await send_two()
    assert isinstance(raised.value.__cause__, ProducerFenced)
    assert isinstance(raised.value.__context__, IllegalOperation | ProducerFenced)
    assert isinstance(raised.value, KafkaError), "who waits for a broker waits for this, too"
    assert isinstance(raised.value, DataflowError), "and a command prints it"


async def test_a_producer_that_is_fenced_before_it_commits(
    reached: Reached, producer: TransactionalProducer, topic: str
):
    """All is acknowledged by then."""

    async def send_and_be_fenced() -> None:
        async with transaction(producer):
            await producer.send(topic, b"1", partition=0)
            await producer.acknowledged()
            await take_over(reached, producer)

    with pytest.raises(Fenced):
        await send_and_be_fenced()


async def test_a_fenced_producer_begins_no_transaction(
    reached: Reached, topic: str, unique: Callable[[str], str]
):
    """By an AssertionError, which would look like a bug of ours, aiokafka says that there may be none."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with transactional_producer(reached, unique("id")) as producer:
        await take_over(reached, producer)
        for _ in range(2):
            with pytest.raises(Fenced):
                await send_all(producer, [(topic, b"1")])
    del producer
    gc.collect()
    assert complaints == [], "who sends is told, and nobody else"


async def test_what_is_open_at_the_end_is_aborted(
    reached: Reached, topic: str, kafka: KafkaClient, unique: Callable[[str], str]
):
    """Its readers would wait for a minute else; who could end it is gone."""

    async def break_off() -> None:
        async with transactional_producer(reached, unique("id"), timeout_ms=60_000) as producer:
            await producer.begin_transaction()
            await producer.send(topic, b"aborted", partition=0)
            await producer.acknowledged()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    kafka.produce(topic, [b"next"], partition=0)
    assert [read.value for read in kafka.read_topic(topic)] == [b"next"]


async def test_records_that_a_topic_refuses_are_told_with_its_name_and_end_the_transaction(
    producer: TransactionalProducer, kafka: KafkaClient, topic: str, unique: Callable[[str], str]
):
    """commit_transaction() alone would commit the rest."""
    kafka.create_topics(unique("small"), 1, max_message_bytes=1_000)
    with pytest.raises(RecordsTooLarge) as raised:
        await send_all(producer, [(topic, b"good"), (unique("small"), b"x" * 5_000), (topic, b"better")])
    assert set(raised.value.topics) == {unique("small")}
    await drop(producer)
    assert [read.value for read in kafka.read_topic(topic)] == []


async def test_a_bug_inside_is_not_taken_for_a_fence(producer: TransactionalProducer):
    """Only after the transaction has failed do these two mean that."""
    with pytest.raises(AssertionError, match="ours"):
        async with transaction(producer):
            raise AssertionError("ours")
