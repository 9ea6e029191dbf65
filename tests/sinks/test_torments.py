"""Each sink in workers of its own, on a real server, while all of it breaks: every record there once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from kafka_client import KafkaClient
from sinks.access_lines import RECORDS
from sinks.network import Network
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.systems import csv_folder, object_store, postgres, search
from sinks.torments import PARTITIONS, Scene, all_stored, torment, torments_of

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS

pytestmark = pytest.mark.long

SYSTEMS = [
    pytest.param(postgres, id="postgres"),
    pytest.param(object_store, id="s3"),
    pytest.param(search, id="opensearch", marks=pytest.mark.skipif(not JARS, reason=NOT_THERE)),
    pytest.param(csv_folder, id="csv"),
]


@pytest.fixture(params=SYSTEMS)
async def scene(request, own_broker, tmp_path) -> AsyncIterator[Scene]:
    """Return two ready workers of a sink that has everything yet to come."""
    client = KafkaClient(own_broker.address)
    with request.param(tmp_path) as system:
        client.create_topics([system.topic, DEAD_LETTERS.name], partitions=PARTITIONS)
        network = await Network(system.port).start() if system.port else None
        environment = {
            **system.environment(network.port if network else 0, RECORDS),
            "DATAFLOW_BROKER": client.address,
            "DATAFLOW_ROLE": f"sink-{system.sink}",
            "DATAFLOW_SINK_BATCH_RECORDS": str(max(100, RECORDS // 300)),
            "DATAFLOW_SINK_LINGER_MS": "20",
            "DATAFLOW_SESSION_TIMEOUT_MS": "1000",
        }
        scene = Scene(system, client, network, environment, tmp_path)
        for _ in range(2):
            scene.add_worker()
        for worker in scene.workers:
            await asyncio.to_thread(worker.wait_ready)
        yield scene
        for worker in scene.workers:
            worker.clear_away()
        if network:
            await network.cut()


@pytest.mark.timeout(900)
async def test_every_record_is_stored_once_by_its_origin_whatever_breaks(scene):
    """Server and workers killed with -9, a worker frozen past its session, rebalances, network, full disk."""
    torments = torments_of(scene.system)
    for how in torments:
        await torment(scene, RECORDS // len(torments) // PARTITIONS * PARTITIONS, how)
    assert await all_stored(scene) == [*range(scene.sent)]
    for worker in scene.workers:
        await asyncio.to_thread(worker.wait_ready)  # one of them has just been started
        assert await asyncio.to_thread(worker.stop) == 0, worker.tail()
    assert sorted(await asyncio.to_thread(scene.system.numbers)) == [*range(scene.sent)]
    assert scene.client.read_topic(DEAD_LETTERS.name) == []
