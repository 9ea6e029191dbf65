"""KIP-447 on a real broker: whose offsets a transaction may commit, and what of it others see."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from harness.relay import Names, events
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.connection import connection
from dataflow.kafka.fetch import drain
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.offset_fetch import UnstableOffsetCommit, last_committers, stable_offsets
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record_batches import RecordBatches

AT = 1_700_000_000_000
Start = Callable[[str], "asyncio.Future[TransactionalProducer]"]


@pytest.fixture
async def start_producer(broker: EmbeddedBroker) -> AsyncIterator[Start]:
    """Return a function that starts a transactional producer; all are stopped."""
    started = []

    async def start(transactional_id: str) -> TransactionalProducer:
        producer = TransactionalProducer(connection([broker.address]), transactional_id, None)
        await producer.start()
        started.append(producer)
        return producer

    yield start
    for producer in started:
        await asyncio.wait_for(producer.stop(), 10)


@pytest.fixture
async def member(broker: EmbeddedBroker, names: Names) -> AsyncIterator[AIOKafkaConsumer]:
    """Return a member of the group that owns the source."""
    consumer = AIOKafkaConsumer(
        names.source,
        bootstrap_servers=broker.address,
        group_id=names.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=100)
    yield consumer
    await consumer.stop()


def member_of(consumer: AIOKafkaConsumer) -> GroupMetadata:
    """Return what a checkpoint is fenced by."""
    return GroupMetadata(consumer._coordinator.generation, consumer._coordinator.member_id, None)


def offsets(names: Names, at: int, note: str = "") -> dict[TopicPartition, OffsetAndMetadata]:
    """Return an offset to commit."""
    return {TopicPartition(names.source, 0): OffsetAndMetadata(at, note)}


async def test_the_living_member_commits(member: AIOKafkaConsumer, names: Names, start_producer: Start):
    """The generation it has been assigned in is the group's."""
    producer = await start_producer(names.group)
    await producer.begin_transaction()
    await producer.send_offsets(offsets(names, 5), names.group, member_of(member))
    await producer.commit_transaction()
    tp = TopicPartition(names.source, 0)
    assert await stable_offsets(producer.client, names.group, [tp], 5) == {tp: 5}


@pytest.mark.parametrize(
    ("older", "foreign", "refused"),
    [(1, False, IllegalGenerationError), (0, True, UnknownMemberIdError)],
)
async def test_an_old_generation_and_a_foreign_member_are_refused(
    member: AIOKafkaConsumer, names: Names, start_producer: Start, older: int, foreign: bool, refused: type
):
    """A zombie that wakes up commits nothing, whatever it has queued."""
    generation, member_id, _ = member_of(member)
    zombie = GroupMetadata(generation - older, "somebody" if foreign else member_id, None)
    producer = await start_producer(names.group)
    await producer.begin_transaction()
    with pytest.raises(KafkaError) as raised:
        await producer.send_offsets(offsets(names, 5), names.group, zombie)
    assert isinstance(raised.value.__cause__ or raised.value, refused) or refused.__name__ in repr(
        raised.value
    )


@pytest.mark.parametrize("member", [(-1, ""), (-1, "member"), (3, "")])
async def test_what_aiokafka_says_after_a_lost_session_is_not_sent(
    names: Names, start_producer: Start, member: tuple[int, str]
):
    """Trap 6: the broker does not check -1 and "", so a zombie would pass."""
    producer = await start_producer(names.group)
    await producer.begin_transaction()
    with pytest.raises(AssertionError):
        await producer.send_offsets(offsets(names, 5), names.group, GroupMetadata(*member, None))


async def test_a_pending_commit_is_told_and_not_read_past(
    member: AIOKafkaConsumer, names: Names, start_producer: Start
):
    """OffsetFetch v7: who takes over waits; the plain question is answered with the old offset (trap 7)."""
    owner, heir = await start_producer(names.group), await start_producer(f"{names.group}-heir")
    tp = TopicPartition(names.source, 0)
    await owner.begin_transaction()
    await owner.send_offsets(offsets(names, 5, "owner"), names.group, member_of(member))
    await owner.commit_transaction()
    await owner.begin_transaction()
    await owner.send_offsets(offsets(names, 9, "owner"), names.group, member_of(member))
    with pytest.raises(UnstableOffsetCommit):
        await stable_offsets(heir.client, names.group, [tp], 0.2)
    assert (await member.committed(tp)) == 5
    assert await last_committers(heir.client, names.group, [tp]) == {"owner"}
    await owner.commit_transaction()
    assert await stable_offsets(heir.client, names.group, [tp], 5) == {tp: 9}


async def test_a_producer_with_the_same_id_ends_what_its_predecessor_left_open(
    member: AIOKafkaConsumer, names: Names, start_producer: Start
):
    """Eviction (CHECKPOINTS 5): nobody waits for the timeout of a dead owner."""
    dead = await start_producer(names.group)
    await dead.begin_transaction()
    await dead.send_offsets(offsets(names, 9), names.group, member_of(member))
    heir = await start_producer(names.group)
    tp = TopicPartition(names.source, 0)
    assert await stable_offsets(heir.client, names.group, [tp], 5) == {tp: -1}


async def test_a_group_that_never_committed_has_no_offsets(names: Names, start_producer: Start):
    """None, and no error."""
    producer = await start_producer(names.group)
    tps = [TopicPartition(names.source, n) for n in range(4)]
    assert await stable_offsets(producer.client, names.group, tps, 5) == dict.fromkeys(tps, -1)


async def test_commit_transaction_commits_although_a_batch_has_failed(
    kafka: KafkaClient, names: Names, unique: Callable[[str], str], start_producer: Start
):
    """Trap 1: so a checkpoint awaits every batch's own future before it commits."""
    narrow = unique("narrow")
    kafka.create_topics(narrow, 1, max_message_bytes=1_000)
    producer = await start_producer(names.group)
    batches = RecordBatches(None, transactional=True)
    (small,) = batches.pack([(AT, None, b"x", [])])
    (large,) = batches.pack([(AT, None, b"x" * 5_000, [])])
    await producer.begin_transaction()
    written = await producer.send_batch(small, names.output, partition=0)
    refused = await producer.send_batch(large, narrow, partition=0)
    await written
    with pytest.raises(MessageSizeTooLargeError):
        await refused
    await producer.commit_transaction()
    assert [read.value for read in kafka.read_topic(names.output)] == [b"x"]


async def test_abort_after_an_abortable_error_ends_nothing(
    kafka: KafkaClient, names: Names, start_producer: Start
):
    """Trap 2: so a producer is never used again after an error, and never asked to abort."""
    producer = await start_producer(names.group)
    (batch,) = RecordBatches(None, transactional=True).pack([(AT, None, b"aborted", [])])
    await producer.begin_transaction()
    await (await producer.send_batch(batch, names.output, partition=0))
    producer._txn_manager.error_transaction(GroupAuthorizationFailedError(names.group))
    await producer.abort_transaction()
    await producer.begin_transaction()
    (batch,) = RecordBatches(None, transactional=True).pack([(AT, None, b"committed", [])])
    await (await producer.send_batch(batch, names.output, partition=0))
    await producer.commit_transaction()
    values = [read.value for read in kafka.read_topic(names.output)]
    assert values == [b"aborted", b"committed"], "aiokafka aborts now: the trap is gone, and its rule may go"


async def test_only_the_position_passes_the_control_record_at_the_end(
    broker: EmbeddedBroker, names: Names, start_producer: Start
):
    """Trap 9: a recovery that waits for a last record waits for ever (FAUST.md 4, issue 432)."""
    producer = await start_producer(names.group)
    (batch,) = RecordBatches(None, transactional=True).pack([(AT, b"k", b"v", [])])
    await producer.begin_transaction()
    await (await producer.send_batch(batch, names.output, partition=0))
    await producer.commit_transaction()
    tp = TopicPartition(names.output, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as reader:
        reader.assign([tp])
        await reader.seek_to_beginning(tp)
        ends = await reader.end_offsets([tp])
        seen = []
        while await reader.position(tp) < ends[tp]:
            for fetched in (await drain(reader, [tp], 10, 1)).values():
                seen += [record.offset for record_slice in fetched.slices for record in record_slice.records]
    assert (seen, ends[tp]) == ([0], 2)


async def test_aborted_records_are_never_delivered(
    kafka: KafkaClient, broker: EmbeddedBroker, names: Names, start_producer: Start
):
    """The real broker's list of aborted transactions, read by our cursor."""
    (aborted,) = RecordBatches(None, transactional=True).pack(
        [(AT, None, value, []) for value in events(range(10))]
    )
    producer = await start_producer(names.group)
    await producer.begin_transaction()
    await (await producer.send_batch(aborted, names.source, partition=0))
    await start_producer(names.group)  # ends it
    kafka.produce(names.source, events(range(10, 15)), partition=0)
    tp = TopicPartition(names.source, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as reader:
        reader.assign([tp])
        await reader.seek_to_beginning(tp)
        seen = []
        while len(seen) < 5:
            for fetched in (await drain(reader, [tp], 100, 1)).values():
                seen += [record.value for record_slice in fetched.slices for record in record_slice.records]
    assert seen == events(range(10, 15))
