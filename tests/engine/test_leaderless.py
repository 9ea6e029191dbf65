"""Partitions whose only broker is away: they and what writes to them wait; whatever can go on, goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.relay import Names, Relay, events, numbers_in, relay, running, until
from harness.second_broker import TwoBrokers, two_brokers
from harness.two_streams import TwoStreams, declare_other

from dataflow.engine.pauses import PauseCause

pytestmark = pytest.mark.long

WRITTEN = {"changelog": lambda names: names.changelog, "output": lambda names: names.output}


@pytest.fixture
def brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoBrokers]:
    """Return two brokers; workers are less patient with what is away."""
    monkeypatch.setattr("dataflow.kafka.init_producer.HELD_UP_SECONDS", 2.0)
    monkeypatch.setattr("dataflow.engine.leaderless.ELECTION_SECONDS", 1.0)
    with two_brokers(tmp_path) as running_ones:
        yield running_ones


def streams_on(brokers: TwoBrokers, unique: Callable[[str], str], away: Callable[[Names], str]) -> TwoStreams:
    """Make topics, partition 0 of one of them on the second broker, all others on the first."""
    names = Names.of(unique)
    others = Names(names.group, unique("other-source"), unique("other-output"), names.dead)
    logs = {names.changelog, others.changelog}
    for topic in {*names.topics, *others.topics, *logs}:
        placed = [2, 1] if topic == away(names) else [1, 1]
        brokers.place(topic, placed, cleanup_policy="compact" if topic in logs else "delete")
    return TwoStreams(brokers.kafka, names, others, worker_of(brokers, names, others))


def worker_of(brokers: TwoBrokers, names: Names, others: Names) -> Relay:
    """Return a worker of both streams that is not started."""
    worker = relay(brokers.first.address, names)
    declare_other(worker, others)
    return worker


def again(brokers: TwoBrokers, streams: TwoStreams) -> TwoStreams:
    """Return the same streams with a worker that comes after."""
    return TwoStreams(
        streams.kafka, streams.names, streams.others, worker_of(brokers, streams.names, streams.others)
    )


def received(streams: TwoStreams) -> int:
    """Return how many events of the first stream are committed and counted."""
    partitions = streams.worker.app.engine.partitions.items()
    return sum(
        p.state.event_counts.received
        for tp, p in partitions
        if tp.topic == streams.names.source and p.position == p.committed
    )


@pytest.mark.parametrize("away", WRITTEN)
async def test_a_stream_that_writes_to_a_partition_without_a_leader_pauses_alone(
    away: str, brokers: TwoBrokers, unique: Callable[[str], str]
):
    """No transaction ended any more, and none began: all streams of the worker stood still, for good."""
    streams = streams_on(brokers, unique, WRITTEN[away])
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        brokers.second.kill()
        streams.send(range(100, 200))
        await until(lambda: streams.committed(streams.others) == 200, "the other stream")
        await until(lambda: streams.pause is not None, "a pause")
        assert streams.pause is not None
        assert streams.pause.cause is PauseCause.NO_LEADER
        assert f"topic {WRITTEN[away](streams.names)}, which stream" in streams.pause.detail
        assert streams.pause.detail.endswith("has no leader of partition 0")
        assert streams.worker.app.watch.obstacle is None
    streams = again(brokers, streams)
    async with running(streams.worker):
        streams.send(range(200, 300))
        await until(lambda: streams.committed(streams.others) == 300, "the other stream, after a restart")
        assert streams.committed(streams.names) in (0, 100)
        brokers.restart_second()
        await streams.wait_all(300)
        assert streams.pause is None
        assert received(streams) == 300
    streams.check_outputs(300)


async def test_a_source_partition_without_a_leader_holds_up_no_other(
    brokers: TwoBrokers, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """A worker that had not read it before asked for its begin, and no stream began."""
    streams = streams_on(brokers, unique, lambda names: names.source)
    brokers.kafka.produce(streams.names.source, events(range(100)), partition=0)
    brokers.second.kill()
    async with running(streams.worker):
        streams.send(range(100), everywhere=False)
        brokers.kafka.produce(streams.names.source, events(range(100, 200)), partition=1)
        await until(lambda: streams.committed(streams.others) == 100, "the other stream")
        await until(lambda: received(streams) == 100, "the other partition")
        assert "Partition has no leader; waiting for one." in caplog.text
        brokers.restart_second()
        await until(lambda: received(streams) == 200, "all partitions")
    assert sorted(numbers_in(brokers.kafka.read_topic(streams.names.output))) == list(range(200))


async def test_dead_letters_go_to_a_partition_that_has_a_leader(
    brokers: TwoBrokers, unique: Callable[[str], str]
):
    """The first one after the death of a broker stopped all streams; a pause for it would stop all, too."""
    streams = streams_on(brokers, unique, lambda names: names.dead)
    async with running(streams.worker):
        brokers.kafka.produce(streams.names.source, [b"bad", *events(range(100))], partition=0)
        await until(lambda: received(streams) == 101, "all events")
        brokers.kill_second(streams.names.dead)
        brokers.kafka.produce(streams.names.source, [b"worse", *events(range(100, 200))], partition=0)
        await until(lambda: received(streams) == 202, "events and a dead letter")
        assert streams.pause is None
        brokers.restart_second()
    assert sorted(read.value or b"" for read in brokers.kafka.read_topic(streams.names.dead)) == [
        b"bad",
        b"worse",
    ]
    assert numbers_in(brokers.kafka.read_topic(streams.names.output)) == list(range(200))
