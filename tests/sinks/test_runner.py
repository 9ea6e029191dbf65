import asyncio
from collections import Counter

from harness.open_transaction import open_transaction
from sinks.memory_sink import GatheringSink, MemorySink
from sinks.waiting import until

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.engine.dead_letters import DeadLetterLimit
from dataflow.sinks.contract import SinkBatch, WriteResult


def letters_of(topic, read_topic):
    """Return the dead letters of a topic; a transaction's marker follows its acknowledgement."""
    letters = read_topic(DEAD_LETTERS.name)
    return [read for read in letters if dict(read.headers)["dataflow-topic"] == topic.encode()]


async def test_every_record_is_stored_once_and_committed(run, create_topics, produce, unique):
    """The plain way: nothing refused, nothing away."""
    topic = unique("events")
    create_topics(topic)
    produce(topic, [b"%d" % n for n in range(5_000)])
    sink = MemorySink(topic)
    runner = await run(sink)
    await until(lambda: len(sink.kept) == 5_000)
    assert sorted(sink.kept.values()) == sorted(b"%d" % n for n in range(5_000))
    await until(lambda: sum(part.committed_offset for part in runner.partitions.values()) == 5_000)


async def test_a_second_runner_of_the_group_begins_where_the_first_has_ended(
    run, options, create_topics, produce, unique
):
    """What is committed is not given to a sink again."""
    topic = unique("events")
    create_topics(topic, partitions=1)
    produce(topic, [b"first"] * 3)
    first = MemorySink(topic)
    runner = await run(first)
    await until(lambda: len(first.kept) == 3)
    await runner.stop()
    produce(topic, [b"second"] * 2)
    second = MemorySink(topic)
    await run(second)
    await until(lambda: second.kept)
    assert second.kept == {(0, 3): b"second", (0, 4): b"second"}
    assert first.calls == ["open", "write", "release", "close"]


async def test_records_behind_an_open_transaction_are_told_of(run, kafka, unique, caplog, monkeypatch):
    """A producer had left one open: the sink stored nothing more, with no lag, and without a word."""
    monkeypatch.setattr("dataflow.kafka.open_transactions.REMINDER_SECONDS", 1.0)
    monkeypatch.setattr("dataflow.sinks.runner.MEASURE_SECONDS", 0.2)
    topic = unique("events")
    kafka.create_topics(topic, partitions=1)
    sink = MemorySink(topic)
    await run(sink)
    with open_transaction(kafka.address, topic, b"lost"):
        kafka.produce(topic, [b"behind"])
        await until(lambda: "Records wait for the end of a transaction." in caplog.text)
        assert f"--topic {topic} --partition 0 --start-offset 0`" in caplog.text
        assert not sink.kept
    await until(lambda: sink.kept)


async def test_a_refused_record_is_one_dead_letter_and_the_rest_goes_in(
    run, create_topics, produce, read_topic, unique, dead_letters
):
    """The sink's own words are the detail, and the stage names the sink."""
    topic = unique("events")
    create_topics(topic, partitions=1)
    produce(topic, [b"poison" if n == 700 else b"fine" for n in range(1_000)])
    sink = MemorySink(topic, refuses=(b"poison",))
    runner = await run(sink)
    await until(lambda: sum(part.committed_offset for part in runner.partitions.values()) == 1_000)
    await until(lambda: letters_of(topic, read_topic))
    [letter] = letters_of(topic, read_topic)
    assert len(sink.kept) == 999
    assert letter.value == b"poison"
    headers = {name: value.decode() for name, value in letter.headers}
    assert headers.pop("dataflow-timestamp")
    assert headers == {
        "dataflow-stage": "sink-memory",
        "dataflow-reason": "wrong_type",
        "dataflow-detail": "is not to my taste",
        "dataflow-topic": topic,
        "dataflow-partition": "0",
        "dataflow-offset": "700",
    }


async def test_an_outage_keeps_everything_and_is_told_of(run, create_topics, produce, unique):
    """The batch waits, its partition too; when the system is back, nothing is missing."""
    topic = unique("events")
    create_topics(topic)
    sink = MemorySink(topic)
    sink.away = "server is on holiday"
    runner = await run(sink)
    produce(topic, [b"%d" % n for n in range(100)])
    await until(lambda: any(part.note.retrying_since_ms for part in runner.partitions.values()))
    assert sink.kept == {}
    sink.away = None
    await until(lambda: len(sink.kept) == 100)
    await until(lambda: sum(part.committed_offset for part in runner.partitions.values()) == 100)
    notes = [part.note for part in runner.partitions.values() if part.note.error]
    assert {note.error for note in notes} == {"server is on holiday"}
    assert {note.retrying_since_ms for note in notes} == {None}


class OnePartitionAway(MemorySink):
    """Partition 0 never gets through."""

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Hang, or keep."""
        if batch.tp.partition == 0:
            await asyncio.sleep(3_600)
        return await super().write(batch)


async def test_a_slow_partition_holds_up_no_other(run, create_topics, produce, unique):
    """Each partition is served by itself."""
    topic = unique("events")
    create_topics(topic, partitions=2)
    produce(topic, [b"slow"], partition=0)
    sink = OnePartitionAway(topic)
    await run(sink, drain_timeout_seconds=0.1)
    for _ in range(3):
        before = len(sink.kept)
        produce(topic, [b"quick"] * 10, partition=1)
        await until(lambda: len(sink.kept) == before + 10)  # noqa: B023  # read at once
    assert Counter(partition for partition, _ in sink.kept) == {1: 30}


async def test_what_a_sink_still_gathers_is_not_committed_nor_are_its_dead_letters(
    run, create_topics, produce, read_topic, unique, dead_letters
):
    """Else a restart would lose the gathered, or double the dead letter."""
    topic = unique("events")
    create_topics(topic, partitions=1)
    sink = GatheringSink(topic)
    runner = await run(sink)
    produce(topic, [b"fine"] * 5 + [b"poison"])
    await until(lambda: runner.partitions and next(iter(runner.partitions.values())).committed_offset == 4)

    assert letters_of(topic, read_topic) == []
    produce(topic, [b"fine"] * 2)
    await until(lambda: next(iter(runner.partitions.values())).committed_offset == 8)
    await until(lambda: letters_of(topic, read_topic))
    assert len(letters_of(topic, read_topic)) == 1


async def test_partitions_are_shared_and_move_without_a_loss(run, options, create_topics, produce, unique):
    """A rebalance ends in every record stored, each origin once, by whichever worker."""
    topic = unique("events")
    create_topics(topic)
    app_id = unique("shared")
    first, second = MemorySink(topic), MemorySink(topic)
    one = await run(first, app_id=app_id)
    produce(topic, [b"a"] * 1_000)
    await until(lambda: len(first.kept) > 0)
    two = await run(second, app_id=app_id)
    await until(lambda: len(one.partitions) == 2 and len(two.partitions) == 2)
    produce(topic, [b"b"] * 1_000)
    await until(lambda: len(first.kept | second.kept) == 2_000)
    await two.stop()
    produce(topic, [b"c"] * 1_000)
    await until(lambda: len(first.kept | second.kept) == 3_000)


async def test_nothing_but_refusals_is_taken_for_our_fault_and_held(
    run, create_topics, produce, read_topic, unique, dead_letters
):
    """A bad deploy must not empty a topic into the dead letters."""
    topic = unique("events")
    create_topics(topic, partitions=1)
    produce(topic, [b"poison"] * 20)
    sink = MemorySink(topic, refuses=(b"poison",))
    runner = await run(sink, dead_letter_limit=DeadLetterLimit(10, 0.5, 10_000))
    await until(lambda: any(part.note.retrying_since_ms for part in runner.partitions.values()))
    [partition] = runner.partitions.values()
    assert "20 dead letters in a row" in partition.note.error
    assert partition.committed_offset == 0
    assert letters_of(topic, read_topic) == []
    sink.refuses = ()
    await until(lambda: partition.committed_offset == 20)
    assert len(sink.kept) == 20


async def test_a_runner_whose_sink_was_never_there_stops_at_once(run, create_topics, unique):
    """A worker with a database that is away has to end as any other, and not to try on for ever."""
    topic = unique("events")
    create_topics(topic)
    sink = MemorySink(topic)
    sink.away = "still not there"
    runner = await run(sink)
    await until(lambda: "open" in sink.calls)
    await asyncio.wait_for(runner.stop(), 10)
    tries = len(sink.calls)
    await asyncio.sleep(0.2)
    assert len(sink.calls) == tries
