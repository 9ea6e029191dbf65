import asyncio

import pytest
from chaos.worker import Worker
from kafka_client import KafkaClient

from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.demo.broker.ports import free_port
from dataflow.sinks.status import sink_statuses


@pytest.mark.timeout(180)
async def test_a_bug_in_a_sink_ends_the_worker_and_commits_nothing(own_broker, tmp_path, options):
    """An orchestrator must see it; what was being written comes again to the mended one."""
    client = KafkaClient(own_broker.address)
    client.create_topics([ANALYTICS_EVENTS.name, DEAD_LETTERS.name], partitions=1)
    environment = {
        "DATAFLOW_BROKER": own_broker.address,
        "DATAFLOW_ROLE": "sink-csv",
        "DATAFLOW_CSV_DIR": str(tmp_path / "csv"),
    }
    worker = Worker(tmp_path / "worker", free_port(), environment, app="sinks.buggy_app").start()
    try:
        await asyncio.to_thread(worker.wait_ready)
        client.produce(ANALYTICS_EVENTS.name, [b"{}"])
        assert await asyncio.to_thread(worker.wait_exit) != 0
    finally:
        worker.clear_away()
    assert '"message":"Sink has a bug.","sink":"buggy"' in worker.said()
    statuses = await sink_statuses(options(own_broker.address).connection, "dataflow", {"buggy": []})
    committed = {status.name: status.topics for status in statuses}
    assert committed["buggy"] == []
