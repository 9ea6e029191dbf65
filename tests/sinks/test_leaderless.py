"""A sink whose topic has a partition without a leader: it stores the others, and its status says so."""

import pytest
from harness.second_broker import two_brokers
from sinks.memory_sink import MemorySink
from sinks.waiting import until

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.sinks.status import sink_statuses

pytestmark = pytest.mark.long


async def test_a_partition_without_a_leader_holds_up_no_other(run, unique, tmp_path):
    """One position was asked for with all others, and no status was to be had for as long."""
    topic, app_id = unique("events"), unique("app")
    with two_brokers(tmp_path) as brokers:
        address = brokers.first.address
        brokers.place(topic, [2, 1])
        brokers.place(DEAD_LETTERS.name, [2, 1])
        brokers.kill_second(topic)
        brokers.kafka.produce(topic, [b"fine", b"bad", b"fine"], partition=1)
        sink = MemorySink(topic, refuses=(b"bad",))
        runner = await run(sink, app_id=app_id, address=address)
        await until(lambda: sorted(sink.kept) == [(1, 0), (1, 2)])
        await until(lambda: sum(one.committed_offset for one in runner.partitions.values()) == 3)
        [status] = await sink_statuses(runner.options.connection, app_id, {})
        assert (status.lag.records, status.leaderless_partitions) == (0, 0), "nobody has committed there"
        [status] = await sink_statuses(runner.options.connection, app_id, {sink.name: [topic]})
        assert (status.lag.records, status.leaderless_partitions) == (0, 1)
        brokers.restart_second()
        brokers.kafka.produce(topic, [b"fine"], partition=0)
        await until(lambda: sorted(sink.kept) == [(0, 0), (1, 0), (1, 2)], 60)
        assert [read.value for read in brokers.kafka.read_topic(DEAD_LETTERS.name)] == [b"bad"]
        await runner.stop()
