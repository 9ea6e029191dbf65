import asyncio
import random

import asyncpg
from chaos.worker import Worker
from kafka_client import KafkaClient
from sinks.access_lines import RECORDS, TOPIC, a_line, done, stored, troubled
from sinks.network import Network
from sinks.waiting import until

from dataflow.broker.ports import free_port
from dataflow.sinks.postgres import connections
from dataflow.sinks.postgres.sink import PostgresSink
from dataflow.topics import DEAD_LETTERS


async def test_a_server_killed_again_and_again_gets_every_record_once(fed, own_postgres, run):
    """Kill -9 of the postmaster in the middle of writes; nothing of a batch is there after it, or all."""
    runner = await run(PostgresSink(own_postgres.url), address=fed.address, batch_records=1_000)
    for share in (0.1, 0.5):
        await until(lambda: done(runner) > RECORDS * share, 120)  # noqa: B023  # read at once
        own_postgres.kill()
        await until(lambda: troubled(runner) or done(runner) == RECORDS)
        await asyncio.to_thread(own_postgres.start)
    await until(lambda: done(runner) == RECORDS, 240)
    assert await stored(own_postgres.url) == (RECORDS, RECORDS, RECORDS)


async def test_a_network_that_is_slow_cut_or_a_black_hole_loses_and_doubles_nothing(
    fed, own_postgres, run, monkeypatch
):
    """Also what was sent when the line went dead, and what was committed without our hearing of it."""
    monkeypatch.setattr(connections, "WORK_SECONDS", 2.0)
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    network = await Network(own_postgres.port).start()
    url = own_postgres.url.replace(f":{own_postgres.port}/", f":{network.port}/")
    runner = await run(PostgresSink(url), address=fed.address, batch_records=500)
    await until(lambda: done(runner) > RECORDS * 0.1, 120)
    network.delay_seconds = 0.01
    await until(lambda: done(runner) > RECORDS * 0.3, 120)
    network.delay_seconds = 0.0
    await network.cut()
    await until(lambda: troubled(runner))
    await network.start()
    await until(lambda: done(runner) > RECORDS * 0.5, 120)
    network.swallows = True
    await until(lambda: troubled(runner))
    network.swallows = False
    await until(lambda: done(runner) == RECORDS, 240)
    assert await stored(own_postgres.url) == (RECORDS, RECORDS, RECORDS)
    await runner.stop()
    await network.cut()


async def test_one_poison_record_in_ten_thousand_is_one_dead_letter(own_broker, own_postgres, run):
    """9,999 are stored, and the letter names the sink and the server's reason."""
    client = KafkaClient(own_broker.address)
    client.create_topics([TOPIC, DEAD_LETTERS], partitions=1)
    poison = a_line(4_711, endpoint="/a\x00b")
    client.produce(TOPIC, [poison if number == 4_711 else a_line(number) for number in range(10_000)])
    runner = await run(PostgresSink(own_postgres.url), address=client.address)
    await until(lambda: done(runner) == 10_000, 60)
    assert await stored(own_postgres.url) == (9_999, 9_999, 9_999)
    # The marker of a transaction is written after its commit has been acknowledged.
    await until(lambda: client.read_topic(DEAD_LETTERS))
    [letter] = client.read_topic(DEAD_LETTERS)
    headers = {name: value.decode() for name, value in letter.headers}
    assert letter.value == poison
    assert headers["dataflow-stage"] == "sink-postgres"
    assert headers["dataflow-reason"] == "wrong_type"
    assert 'invalid byte sequence for encoding "UTF8": 0x00' in headers["dataflow-detail"]
    assert "column endpoint" in headers["dataflow-detail"]
    assert (headers["dataflow-topic"], headers["dataflow-offset"]) == (TOPIC, "4711")


async def test_workers_killed_again_and_again_store_every_record_once(fed, own_postgres, tmp_path):
    """Kill -9 of real workers of the role, between COPY, COMMIT and the commit to Kafka."""
    environment = {
        "DATAFLOW_BROKER": fed.address,
        "DATAFLOW_ROLE": "sink-postgres",
        "DATAFLOW_POSTGRES_URL": own_postgres.url,
        "DATAFLOW_SINK_BATCH_RECORDS": "500",
        "DATAFLOW_SESSION_TIMEOUT_MS": "1000",
    }
    worker = Worker(tmp_path / "worker", free_port(), environment)
    try:
        for kill in range(3):
            worker.start()
            before = -1
            while before < (kill + 1) * RECORDS // 5:
                await asyncio.sleep(random.uniform(0.1, 0.4))  # the moment is the test
                before = await rows_so_far(own_postgres.url)
            worker.kill()
        worker.start()
        async with asyncio.timeout(300):
            while await rows_so_far(own_postgres.url) < RECORDS:  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.2)
        await asyncio.to_thread(worker.wait_ready)
        status, answer = await asyncio.to_thread(worker.ask, "/sinks")
        assert (status, answer["sinks"][0]["name"]) == (200, "postgres")
        assert await asyncio.to_thread(worker.stop) == 0
    finally:
        worker.clear_away()
    assert await stored(own_postgres.url) == (RECORDS, RECORDS, RECORDS)


async def rows_so_far(url: str) -> int:
    """Return about how many rows there are; -1 before the tables are made."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT count(*) FROM web_logs")
    except asyncpg.UndefinedTableError:
        return -1
    finally:
        await connection.close()
