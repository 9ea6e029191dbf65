"""RecordBatches: output records in, record batches of a set size out."""

from itertools import takewhile

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from dataflow.kafka import record_batches
from dataflow.kafka.errors import RecordsTooLarge
from dataflow.kafka.producers import BATCH_BYTES
from dataflow.kafka.record import OutputRecord
from dataflow.kafka.record_batches import RecordBatches

AT = 1_700_000_000_000


def unpacked(
    batches: RecordBatches, records: list[OutputRecord], hint: int = BATCH_BYTES
) -> list[list[OutputRecord]]:
    """Pack the records and read them back, batch by batch, as a consumer would."""
    read = []
    for builder in batches.pack(records, hint):
        memory = MemoryRecords(bytes(builder._build()))
        batch = memory.next_batch()
        assert batch.validate_crc()
        read.append([(r.timestamp, r.key, r.value, list(r.headers)) for r in batch])
        assert not memory.has_next()
    return read


def test_nothing_makes_no_batch():
    """An empty record batch is refused by brokers."""
    assert RecordBatches(None, transactional=True).pack([]) == []


def test_batches_are_split_at_512_kib():
    """Brokers take 1 MiB by default, and a leader appends a batch as a whole."""
    records: list[OutputRecord] = [(AT, None, b"x" * 1000, []) for _ in range(1200)]
    sizes = [len(batch) for batch in unpacked(RecordBatches(None, transactional=True), records)]
    assert sum(sizes) == 1200
    assert len(sizes) == 3
    builders = RecordBatches(None, transactional=True).pack(records)
    assert all(builder.size() <= BATCH_BYTES for builder in builders)


@pytest.mark.parametrize("hint", [0, 1, BATCH_BYTES])
def test_one_record_larger_than_a_batch_goes_alone(hint: int):
    """The limit of a batch is not a limit of events."""
    small, large = (AT, b"k", b"s", []), (AT, b"k", b"x" * 900_000, [])
    read = unpacked(RecordBatches(None, transactional=True), [small, large, small], hint)
    assert [[len(value) for _, _, value, _ in batch] for batch in read] == [[1], [900_000], [1]]


def test_a_large_first_record_goes_alone_too():
    """The buffer begins small; the first record must fit all the same."""
    read = unpacked(RecordBatches(None, transactional=True), [(AT, None, b"x" * 900_000, [])], 1)
    assert [len(batch) for batch in read] == [1]


def test_key_headers_null_and_timestamps_survive():
    """They are the producer's, and a null value is a tombstone."""
    records: list[OutputRecord] = [
        (AT, b"k", b"v", [("h", b"1"), ("h", b"2")]),
        (AT - 5, None, None, []),
        (0, b"", b"", [("empty", b"")]),
    ]
    assert unpacked(RecordBatches(None, transactional=True), records) == [records]


@pytest.mark.parametrize(("codec", "number"), [(None, 0), ("gzip", 1), ("snappy", 2), ("zstd", 4)])
def test_every_codec_reads_back(codec: str | None, number: int):
    """The numbers are those in the attributes of a record batch."""
    records: list[OutputRecord] = [(AT + n, None, b"value" * 50, []) for n in range(50)]
    batches = RecordBatches(codec, transactional=False)
    assert unpacked(batches, records) == [records]
    (builder,) = batches.pack(records)
    assert MemoryRecords(bytes(builder._build())).next_batch().compression_type == number


@pytest.mark.parametrize("transactional", [True, False])
def test_a_batch_says_whether_it_belongs_to_a_transaction(transactional: bool):
    """A transactional producer's broker refuses batches that do not."""
    (builder,) = RecordBatches(None, transactional=transactional).pack([(AT, None, b"v", [])])
    assert MemoryRecords(bytes(builder._build())).next_batch().is_transactional is transactional


@given(
    sizes=st.lists(st.integers(0, 300_000), max_size=12),
    hint=st.integers(0, 2 * BATCH_BYTES),
    codec=st.sampled_from([None, "zstd"]),
)
def test_all_records_come_out_in_order(sizes: list[int], hint: int, codec: str | None):
    """Whatever the sizes and the hint."""
    records: list[OutputRecord] = [(AT + n, b"%d" % n, b"x" * size, []) for n, size in enumerate(sizes)]
    read = unpacked(RecordBatches(codec, transactional=True), records, hint)
    assert [record for batch in read for record in batch] == records


def test_records_keep_their_timestamps_until_a_topic_refuses_some(monkeypatch: pytest.MonkeyPatch):
    """What the topic takes is the producer's; then now, if that is refused none, which every topic takes."""
    monkeypatch.setattr(record_batches, "now_ms", lambda: AT)
    batches = RecordBatches(None, transactional=True)
    records: list[OutputRecord] = [(at, b"k", b"v", []) for at in (AT, AT - 59_000, AT + 3_600_000, 0, -1)]
    assert list(batches.timely("topic", records)) == records
    batches.refuse_timestamps("topic")
    assert [at for at, *_ in batches.timely("topic", records)] == [AT, AT - 59_000, AT, AT, AT]
    assert list(batches.timely("other", records)) == records
    batches.refuse_timestamps("topic")
    [without] = unpacked(batches, [(at, *others) for at, *others in batches.timely("topic", records)])
    assert [at for at, *_ in without] == [-1] * 5


def test_a_dead_letter_that_its_topic_refuses_may_have_half_of_it_next_time():
    """The topic may take more or less than is declared: what it takes keeps its content."""
    batches = RecordBatches(None, transactional=True)
    refused = RecordsTooLarge(["dead-letters"], MessageSizeTooLargeError())
    before = batches.most_dead_bytes
    assert batches.adapt_to(refused, "dead-letters")
    assert batches.most_dead_bytes == before // 2
    assert not batches.adapt_to(RecordsTooLarge(["output"], MessageSizeTooLargeError()), "dead-letters")
    assert batches.most_dead_bytes == before // 2


def test_a_topic_that_takes_no_dead_letter_at_all_ends_the_worker():
    """Without an end it would be tried for ever, at each start of a session."""
    batches = RecordBatches(None, transactional=True)
    refused = RecordsTooLarge(["dead-letters"], MessageSizeTooLargeError())
    tries = sum(1 for _ in takewhile(lambda _: batches.adapt_to(refused, "dead-letters"), range(100)))
    assert tries == 13
