"""Rebuild: one table counted anew from what its topic holds, while everything else goes on."""

import pytest
from faust.types import TP
from harness.relay import AT, Names, Relay, events, numbers_in, relay, running, until
from kafka_client import KafkaClient
from table_parts import part_of

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.state import TableSuspended
from dataflow.engine.tables import ALL


def counted(worker: Relay) -> int:
    """Return how many events the table has of all partitions; -1 while one is suspended."""
    partitions = worker.app.engine.partitions.values()
    if worker.received < 0 or any("per_kind" in p.state.suspended for p in partitions):
        return -1
    parts = [part_of(p.state.table_partition("per_kind"), ALL) for p in partitions]
    return sum(packed[1] for part in parts for _, _, packed in part.entries)


async def test_a_table_is_counted_anew_amid_traffic_and_nothing_else_notices(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """A record that nobody can read, in the changelog of each partition, and events that go on coming."""
    monkeypatch.setattr("dataflow.engine.rebuild.RECORDS_A_SNAPSHOT", 300)  # written bit by bit
    kafka.produce(names.source, events(range(4_000)))
    first = relay(broker.address, names)
    async with running(first):
        await until(lambda: first.received == 4_000, "all events")
    for partition in range(4):
        kafka.produce(names.changelog, [b"garbage"], keys=[b"per_kind|day|0|a"], partition=partition)
    worker = relay(broker.address, names, batch_records=100)
    async with running(worker):
        kafka.produce(names.source, events(range(4_000, 6_000)))
        await until(lambda: worker.received > 4_000, "some events")
        assert counted(worker) == -1
        assert len(await worker.app.rebuilds.begin("per_kind", from_now=False)) == 4
        for begin in range(6_000, 8_000, 100):
            kafka.produce(names.source, events(range(begin, begin + 100)))
        await until(lambda: worker.received == 8_000, "all events")
        await until(lambda: counted(worker) == 8_000, "the table to be whole again")
        assert worker.counts() == {"a": 8_000}
    again = relay(broker.address, names)
    async with running(again):
        await until(lambda: counted(again) == 8_000, "the same from the changelog")
        parts = [p.state.table_partition("per_kind") for p in again.app.engine.partitions.values()]
        assert {part.since_ms for part in parts} == {None}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(8_000))


async def test_what_retention_has_deleted_and_what_was_before_now_is_not_in_it(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The table says from when it counts; over a restart, too. Also in the middle of a rebuild."""
    kafka.produce(names.source, events(range(100)), partition=0, timestamps=[AT] * 100)
    kafka.produce(names.source, events(range(100)), partition=0, timestamps=[AT + 5] * 100)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 200, "all events")
        kafka.delete_records(names.source, 0, 120)
        await worker.app.rebuilds.begin("per_kind", from_now=False)
        await until(lambda: counted(worker) == 80, "what is left")
        state = worker.app.engine.partitions[TP(names.source, 0)].state
        assert state.table_partition("per_kind").since_ms == AT + 5
        await worker.app.rebuilds.begin("per_kind", from_now=True)
        with pytest.raises(TableSuspended, match="is being rebuilt"):
            state.table_partition("per_kind")
    again = relay(broker.address, names)
    async with running(again):
        await until(lambda: counted(again) == 0, "the rebuild that the first worker began")
        kafka.produce(names.source, events(range(7)), partition=0)
        await until(lambda: counted(again) == 7, "what comes from now on")
        for partition in again.app.engine.partitions.values():
            assert partition.state.table_partition("per_kind").since_ms > AT + 5


async def test_a_rebuild_that_breaks_off_begins_again(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """What the first worker has written of it does not count, and is deleted by the second."""
    monkeypatch.setattr("dataflow.engine.rebuild.RECORDS_A_SNAPSHOT", 100)
    monkeypatch.setattr("dataflow.engine.rebuild.RECORDS_AT_ONCE", 50)
    kafka.produce(names.source, events(range(4_000)))
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 4_000, "all events")
        before = len(kafka.read_topic(names.changelog))
        await worker.app.rebuilds.begin("per_kind", from_now=False)
        await until(lambda: len(kafka.read_topic(names.changelog)) > before + 12, "a part of it")
        assert counted(worker) == -1
    again = relay(broker.address, names)
    async with running(again):
        await until(lambda: counted(again) == 4_000, "the whole table")
