import time

from sinks.memory_sink import MemorySink
from sinks.waiting import until

from dataflow.sinks.status import sink_statuses


async def test_what_holds_a_sink_up_is_told_by_kafka_alone(run, options, create_topics, produce, unique):
    """Behind by how many records and seconds, why, and since when; also once its worker is gone."""
    topic, app_id = unique("events"), unique("app")
    create_topics(topic, partitions=2)
    connection = options().connection
    sink = MemorySink(topic)
    runner = await run(sink, app_id=app_id)
    produce(topic, [b"stored"] * 10)
    await until(lambda: sum(partition.end for partition in runner.partitions.values()) == 10)
    [status] = await sink_statuses(connection, app_id)
    assert (status.name, status.topics, status.workers) == ("memory", [topic], 1)
    assert (status.behind_records, status.behind_seconds) == (0, 0.0)
    assert (status.last_error, status.retrying_since_ms) == (None, None)

    sink.away = "server is on holiday"
    an_hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    produce(topic, [b"waiting"] * 4, timestamps=[an_hour_ago] * 4, partition=0)
    await until(lambda: any(partition.note.retrying_since_ms for partition in runner.partitions.values()))
    await runner.stop()
    [status] = await sink_statuses(connection, app_id)
    assert (status.workers, status.behind_records, status.last_error) == (0, 4, "server is on holiday")
    assert 3_600 <= status.behind_seconds < 3_700
    assert abs(status.retrying_since_ms - time.time() * 1000) < 60_000


async def test_a_sink_that_is_configured_and_has_never_run_is_listed(options, unique):
    """Else a role that is forgotten in a cluster is not seen."""
    app_id = unique("app")
    statuses = await sink_statuses(options().connection, app_id, configured=["postgres", "csv"])
    assert [(status.name, status.workers, status.behind_records) for status in statuses] == [
        ("csv", 0, 0),
        ("postgres", 0, 0),
    ]
    assert await sink_statuses(options().connection, app_id) == []
