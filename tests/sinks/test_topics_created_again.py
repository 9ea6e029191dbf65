"""A topic that is deleted and created again counts its offsets from 0: what a sink makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from kafka_client import KafkaClient
from sinks.faults import guests_database, small_store
from sinks.flow import Flow, sink_of
from sinks.memory_sink import MemorySink
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.systems import System, search
from sinks.waiting import until

from dataflow.kafka.consumers import refresh_topics
from dataflow.kafka.types import Consumer
from dataflow.sinks.contract import SinkBatch, WriteResult
from dataflow.sinks.runner import SinkRunner

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

FIRST = [b"%d" % number for number in range(100)]

SYSTEMS = [
    pytest.param(guests_database, id="postgres"),
    pytest.param(small_store, id="s3"),
    pytest.param(search, id="opensearch", marks=pytest.mark.skipif(not JARS, reason=NOT_THERE)),
]

WHEN = pytest.mark.parametrize("is_away", [True, False], ids=["while it is away", "while it runs"])


class ByTopicId(MemorySink):
    """Keeps records by the id of their topic, too, as they come."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.values: dict[str, list[bytes | None]] = {}

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Keep what comes."""
        self.values.setdefault(batch.topic_id, []).extend(record.value for record in batch.records)
        return await super().write(batch)


@WHEN
@pytest.mark.parametrize("count", [30, 100, 170], ids=["shorter", "as long", "longer"])
async def test_all_of_a_topic_that_is_created_again_is_given_to_the_sink(
    run: Callable[..., Awaitable[SinkRunner]],
    kafka: KafkaClient,
    unique: Callable[[str], str],
    count: int,
    is_away: bool,
):
    """Where it was longer than the first one, the sink went on behind what it had never read."""
    topic, app_id = unique("events"), unique("app")
    kafka.create_topics(topic, partitions=1)
    kafka.produce(topic, FIRST)
    sink = ByTopicId(topic)
    runner = await run(sink, app_id=app_id)
    await until(lambda: sum(part.committed_offset for part in runner.partitions.values()) == len(FIRST))
    if is_away:
        await runner.stop()
    await asyncio.to_thread(kafka.delete_topic, topic)
    kafka.create_topics(topic, partitions=1)
    if not is_away:
        await until(lambda: {p.position.topic_id for p in runner.partitions.values()}.isdisjoint(sink.values))
    second = [b"second %d" % number for number in range(count)]
    kafka.produce(topic, second)
    if is_away:
        runner = await run(sink, app_id=app_id)
    await until(lambda: len(sink.values) == 2 and len(list(sink.values.values())[1]) == count)
    assert list(sink.values.values()) == [FIRST, second]
    await until(lambda: sum(part.committed_offset for part in runner.partitions.values()) == count)


@WHEN
@pytest.mark.parametrize("start", SYSTEMS)
async def test_what_a_topic_holds_that_is_created_again_is_stored_beside_the_rest(
    flow_of: Callable[[System], Awaitable[Flow]],
    run: Callable[..., Awaitable[SinkRunner]],
    tmp_path: Path,
    start: Callable[[Path], AbstractContextManager[System]],
    is_away: bool,
):
    """Its records had the offsets of others, and were taken for these, or took the place of these."""
    with start(tmp_path) as system:
        flow = await flow_of(system)
        app_id, address = flow.runner.options.app_id, flow.client.address
        flow.send()
        await flow.until_stored()
        for _ in range(2):
            if is_away:
                await flow.runner.stop()
            await asyncio.to_thread(flow.create_topic_again)
            flow.send()
            if is_away:
                flow.runner = await run(sink_of(system), address=address, app_id=app_id)
            await flow.until_stored()
        assert flow.reasons() == []
        await flow.runner.stop()


async def test_a_topic_is_read_though_its_metadata_was_asked_for_before_it_was_back(
    run: Callable[..., Awaitable[SinkRunner]],
    kafka: KafkaClient,
    unique: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
):
    """A request that was on its way is not sent again: for minutes the group had none of its partitions."""
    asked = list[bool]()
    is_back = asyncio.Event()

    async def ask(consumer: Consumer) -> None:
        asked.append(is_back.is_set())
        if asked.count(True) != 1:
            await refresh_topics(consumer)

    monkeypatch.setattr("dataflow.sinks.runner.refresh_topics", ask)
    topic = unique("events")
    kafka.create_topics(topic, partitions=1)
    runner = await run(MemorySink(topic))
    await until(lambda: runner.partitions)
    generation = runner.commits.member().generation
    await asyncio.to_thread(kafka.delete_topic, topic)
    await until(lambda: not runner.partitions and runner.commits.member().generation > generation)
    await asyncio.sleep(3)  # until nothing asks by itself any more
    is_back.set()
    kafka.create_topics(topic, partitions=1)
    await until(lambda: runner.partitions)
    assert asked.count(True) >= 2
