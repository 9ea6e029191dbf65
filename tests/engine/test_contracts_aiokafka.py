"""What we rely on of aiokafka beyond its documents: after an upgrade these tests say what broke."""

import inspect
from importlib.metadata import version
from types import SimpleNamespace

import aiokafka.errors
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.consumer import fetcher as fetching
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.sender import Sender, TxnOffsetCommitHandler
from aiokafka.protocol import transaction
from aiokafka.record.default_records import (
    DefaultRecord,
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
)
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from harness.relay import Names, events
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.fetch import drain, take_fetched
from dataflow.kafka.offset_commit import FencedOffsetCommit, GroupMetadata
from dataflow.kafka.record_batches import RecordBatches

TP = TopicPartition("source", 0)
AT = 1_700_000_000_000


@pytest.mark.parametrize(
    ("package", "expected"),
    [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")],
)
def test_the_versions_are_those_that_were_read(package: str, expected: str):
    """Their insides are used: another version is chosen with these tests, not by a resolver."""
    assert version(package) == expected


def test_record_batches_are_made_by_the_c_extension():
    """The pure Python ones cost ten times as much."""
    assert DefaultRecordBatch.__module__.startswith("aiokafka.record._crecords")
    assert DefaultRecordBatchBuilder.__module__.startswith("aiokafka.record._crecords")


def a_batch() -> DefaultRecordBatch:
    """Return a record batch of three records."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, -1, -1, 0, 1 << 20)
    for n in range(3):
        builder.append(n, AT + n, b"k", b"v", [("h", b"1")])
    memory = MemoryRecords(bytes(builder.build()))
    assert memory.size_in_bytes() == builder.size()
    assert memory.has_next()
    return memory.next_batch()


def test_a_record_batch_tells_what_the_cursor_asks_it():
    """`Cursor` decides by these what to skip, to cut and to count."""
    batch = a_batch()
    assert batch.validate_crc()
    told = (batch.base_offset, batch.last_offset_delta, batch.next_offset, batch.max_timestamp, batch.magic)
    assert told == (0, 2, 3, AT + 2, 2)
    assert (batch.is_transactional, batch.is_control_batch, batch.producer_id) == (True, False, -1)


def test_a_record_has_what_goes_on():
    """Rows read these, and the builder takes them as they are."""
    first = next(iter(a_batch()))
    assert isinstance(first, DefaultRecord)
    assert (first.offset, first.timestamp, first.key, first.value) == (0, AT, b"k", b"v")
    assert list(first.headers) == [("h", b"1")]


def test_a_response_has_the_parts_that_the_cursor_reads():
    """`Cursor` does what `_unpack_records` does, one step earlier."""
    response = fetching.PartitionRecords(
        TP, MemoryRecords(b""), [(7, 5), (8, 3)], 2, None, None, True, fetching.READ_COMMITTED
    )
    assert response.next_fetch_offset == 2
    assert (response._tp, response._check_crcs) == (TP, True)
    assert response._isolation_level == fetching.READ_COMMITTED
    response._consume_aborted_up_to(4)
    assert response._aborted_producers == {8}
    assert callable(response._contains_abort_marker)


def test_a_response_that_is_not_ours_any_more_is_told_by_check_assignment():
    """A seek or a rebalance makes what was fetched before worthless."""
    assert inspect.signature(fetching.FetchResult.check_assignment).parameters.keys() == {"self", "tp"}
    assert hasattr(fetching.FetchResult, "_update_position")
    assert hasattr(fetching.FetchError, "check_raise")


async def test_batches_come_out_of_the_fetcher_before_they_are_unpacked(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The first seam: `_records`, the waiters and the position of aiokafka's fetcher."""
    kafka.produce(names.source, events(range(100)), partition=0)
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer:
        tp = TopicPartition(names.source, 0)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        assert take_fetched(consumer._fetcher, TopicPartition(names.source, 1), 10) is None
        seen = []
        while len(seen) < 100:
            drained = await drain(consumer, [tp], 30, 5)
            seen += [record.offset for record_slice in drained[tp].slices for record in record_slice.records]
            assert await consumer.position(tp) == drained[tp].end
        assert seen == list(range(100))
        assert await drain(consumer, [tp], 30, 0) == {}


async def test_what_lies_fetched_is_thrown_away_by_a_seek(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """After a take nothing of before may come out."""
    kafka.produce(names.source, events(range(100)), partition=0)
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer:
        tp = TopicPartition(names.source, 0)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        first = (await drain(consumer, [tp], 10, 5))[tp]
        consumer.seek(tp, 70)
        again = {}
        while not again:
            again = await drain(consumer, [tp], 10, 5)
        assert (first.end, again[tp].first) == (100, 70) or (first.first, again[tp].first) == (0, 70)


async def test_ordinary_and_batched_partitions_share_one_fetcher(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """`fetched_records` leaves the partitions alone that it is not asked for."""
    for partition in (0, 1):
        kafka.produce(names.source, events(range(10)), partition=partition)
    batched, ordinary = TopicPartition(names.source, 0), TopicPartition(names.source, 1)
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer:
        consumer.assign([batched, ordinary])
        await consumer.seek_to_beginning(batched, ordinary)
        records: list[ConsumerRecord] = []
        while len(records) < 10:
            found = await consumer._fetcher.fetched_records({ordinary}, timeout=1, max_records=5)
            assert set(found) <= {ordinary}
            records += found.get(ordinary, [])
        fetched = (await drain(consumer, [batched], 100, 5))[batched]
        assert [r.offset for record_slice in fetched.slices for r in record_slice.records] == list(range(10))


async def test_the_fetcher_can_be_asked_whether_a_rebalance_is_on():
    """`drain` returns then, as waiting would hold the rebalance up."""
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    assert consumer._subscription.reassignment_in_progress in (True, False)
    assert hasattr(consumer._subscription, "fetch_context")
    await consumer.stop()


async def test_a_batch_that_we_build_is_the_batch_that_aiokafka_builds(
    broker: EmbeddedBroker,
):
    """`RecordBatches` skips `create_batch` and `append`; the bytes must be the same."""
    async with AIOKafkaProducer(
        bootstrap_servers=broker.address, transactional_id="create-batch", max_batch_size=512 << 10
    ) as producer:
        theirs = producer.create_batch()
    records = [(AT + n, b"k", b"value %d" % n, [("h", b"1")]) for n in range(50)]
    for timestamp, key, value, headers in records:
        theirs.append(timestamp=timestamp, key=key, value=value, headers=headers)
    (ours,) = RecordBatches(None, transactional=True).pack(records)
    assert type(theirs) is type(ours) is BatchBuilder
    assert ours.record_count() == theirs.record_count() == 50
    assert ours.size() == theirs.size()
    assert bytes(ours._build()) == bytes(theirs._build())


def test_the_builder_has_the_two_fields_that_we_fill():
    """`_builder` takes the records; without `_relative_offset`, their number, a batch counts as empty."""
    builder = BatchBuilder(1_000, 0, is_transactional=1)
    assert builder._relative_offset == 0
    assert builder._builder.append(0, AT, None, b"x" * 100, []) is not None
    while builder._builder.append(1, AT, None, b"x" * 100, []) is not None:
        pass
    builder._relative_offset = 2
    assert builder.record_count() == 2


def test_the_offset_commit_of_a_transaction_goes_through_the_method_that_we_replace():
    """`FencedSender` overrides it; that it is called, and fences a zombie, `test_fencing.py` shows."""
    parameters = inspect.signature(Sender._do_txn_offset_commit).parameters
    assert list(parameters) == ["self", "offsets", "group_id"]
    assert list(inspect.signature(Sender._find_coordinator).parameters) == [
        "self",
        "coordinator_type",
        "coordinator_key",
    ]
    given = {"client", "acks", "txn_manager", "message_accumulator", "retry_backoff_ms", "request_timeout_ms"}
    assert set(inspect.signature(Sender.__init__).parameters) == given | {"self"}


def test_the_answer_to_an_offset_commit_is_read_as_we_shape_it():
    """Version 3 has tags; the handler reads version 0."""
    noted = []
    manager = SimpleNamespace(offset_committed=lambda tp, offset, group: noted.append((tp, offset, group)))
    member = GroupMetadata(1, "m", None)
    sender = SimpleNamespace(_txn_manager=manager, _retry_backoff=0.02, group_metadata=member)
    handler = FencedOffsetCommit(sender, {TP: OffsetAndMetadata(5, "id")}, "group")
    assert isinstance(handler, TxnOffsetCommitHandler)
    assert (handler._offsets[TP].offset, handler._group_id) == (5, "group")
    handler.handle_response(SimpleNamespace(errors=[("source", [(0, 0, {})], {})]))
    assert noted == [(TP, 5, "group")]


@pytest.mark.parametrize("code", [82, 88])
def test_aiokafka_does_not_know_the_errors_that_we_teach_it(code: int):
    """If it comes to know them, ours have to go."""
    known = {getattr(known, "errno", None) for known in vars(aiokafka.errors).values()}
    assert code not in known
    assert aiokafka.errors.for_code(code).errno == code


def test_offset_commits_of_aiokafka_are_unfenced():
    """Version 0 names no generation (KIP-447); if a newer one comes, ours may go."""
    versions = [name for name in vars(transaction) if name.startswith("TxnOffsetCommitRequest_v")]
    assert versions == ["TxnOffsetCommitRequest_v0"]
