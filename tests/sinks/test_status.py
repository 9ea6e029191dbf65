import time

from sinks.memory_sink import GatheringSink, MemorySink
from sinks.waiting import until

from dataflow.instants import instant_ms
from dataflow.sinks.status import sink_statuses


async def test_what_holds_a_sink_up_is_told_by_kafka_alone(run, options, create_topics, produce, unique):
    """Behind by how many records and seconds, why, and since when; also once its worker is gone."""
    topic, app_id = unique("events"), unique("app")
    create_topics(topic, partitions=2)
    connection = options().connection
    sink = MemorySink(topic)
    runner = await run(sink, app_id=app_id)
    produce(topic, [b"stored"] * 10)
    await until(lambda: sum(partition.committed_offset for partition in runner.partitions.values()) == 10)
    [status] = await sink_statuses(connection, app_id, {})
    assert (status.name, status.topics, status.workers) == ("memory", [topic], 1)
    assert (status.lag.records, status.lag.seconds) == (0, 0.0)
    assert (status.last_error, status.retrying_since) == (None, None)

    sink.away = "server is on holiday"
    an_hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    produce(topic, [b"waiting"] * 4, timestamps=[an_hour_ago] * 4, partition=0)
    await until(lambda: any(partition.note.retrying_since_ms for partition in runner.partitions.values()))
    await runner.stop()
    [status] = await sink_statuses(connection, app_id, {})
    assert (status.workers, status.lag.records, status.last_error) == (0, 4, "server is on holiday")
    assert 3_600 <= status.lag.seconds < 3_700
    assert abs(instant_ms(status.retrying_since) - time.time() * 1000) < 60_000


async def test_a_sink_that_is_configured_and_has_never_run_is_behind_by_all_there_is(
    options, create_topics, produce, unique
):
    """Else a role that is forgotten in a cluster is not seen."""
    topic, app_id, connection = unique("events"), unique("app"), options().connection
    create_topics(topic, partitions=2)
    produce(topic, [b"waiting"] * 3)
    statuses = await sink_statuses(connection, app_id, {"postgres": [topic], "csv": [unique("no-topic")]})
    assert [(status.name, status.workers, status.lag.records) for status in statuses] == [
        ("csv", 0, 0),
        ("postgres", 0, 3),
    ]
    assert 0 <= statuses[1].lag.seconds < 60
    assert await sink_statuses(connection, app_id, {}) == []


async def test_what_a_sink_gathers_waits_and_is_not_behind(run, options, create_topics, produce, unique):
    """An object that still grows on a topic that stands still is no fault, as long as there is a worker."""
    topic, app_id, connection = unique("events"), unique("app"), options().connection
    create_topics(topic, partitions=1)
    sink = GatheringSink(topic)
    runner = await run(sink, app_id=app_id)
    produce(topic, [b"fine"] * 6)
    await until(lambda: runner.partitions and next(iter(runner.partitions.values())).note.consumed == 6)
    [status] = await sink_statuses(connection, app_id, {})
    assert (status.lag.records, status.lag.seconds, status.buffered.records) == (0, 0.0, 2)
    produce(topic, [b"fine"] * 2)
    await until(lambda: next(iter(runner.partitions.values())).committed_offset == 8)
    [status] = await sink_statuses(connection, app_id, {})
    assert (status.lag.records, status.buffered.records) == (0, 0)

    produce(topic, [b"fine"])
    await until(lambda: next(iter(runner.partitions.values())).note.consumed == 9)
    await runner.stop()
    [status] = await sink_statuses(connection, app_id, {})
    assert (status.lag.records, status.buffered.records) == (1, 0)
