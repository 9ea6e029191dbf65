"""Sink workers that are stopped and started again and again: what is committed never goes back."""

import asyncio
import os
from collections.abc import Mapping
from random import Random

import pytest
from sinks.memory_sink import MemorySink
from sinks.waiting import until

from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.types import TopicPartition

pytestmark = pytest.mark.long

RESTARTS = int(os.environ.get("SINK_TEST_RESTARTS", "10"))
SEED = int(os.environ.get("SINK_TEST_SEED", "1"))
RECORDS = 1_000
LONGEST_SECONDS = 0.6  # between two stops: a rebalance falls before, into and behind it


class Watch:
    """Looks at the committed offsets of a group for as long as it runs."""

    def __init__(self, admin: Admin, group: str) -> None:
        self._admin, self._group = admin, group
        self.highest: dict[TopicPartition, int] = {}
        self.backward: list[str] = []

    async def look(self) -> int:
        """Note what has gone back; return the sum of what is committed."""
        now = await self._admin.committed(self._group)
        self._compare({tp: noted.offset for tp, noted in now.items()})
        return sum(noted.offset for noted in now.values())

    def _compare(self, now: Mapping[TopicPartition, int]) -> None:
        for tp, offset in now.items():
            if offset < self.highest.get(tp, 0):
                self.backward.append(f"{tp}: {self.highest[tp]} -> {offset}")
            self.highest[tp] = max(offset, self.highest.get(tp, 0))


@pytest.mark.timeout(900)
async def test_workers_that_stop_and_start_again_and_again_commit_nothing_twice(
    run, options, create_topics, produce, unique, broker
):
    """Two idle workers that stopped one after the other committed offset 0 for every partition.

    Ten times, or `SINK_TEST_RESTARTS` times: each stops and starts two workers.
    """
    topic, app_id, random = unique("events"), unique("restarts"), Random(SEED)
    create_topics(topic)
    sink = MemorySink(topic)
    group = options(app_id=app_id).group_of(sink.name)
    connection = {"bootstrap_servers": [broker.address]}
    async with running(Admin(connection)) as admin:
        watch = Watch(admin, group)
        runners = [await run(sink, app_id=app_id) for _ in range(2)]
        for sent in range(1, RESTARTS + 1):
            produce(topic, [b"%d" % n for n in range(RECORDS)])
            await until(lambda: all(runner.joined for runner in runners))  # noqa: B023  # read at once
            await until_committed(watch, sent * RECORDS)
            for runner in runners:  # idle by now
                await runner.stop()
                await asyncio.sleep(random.uniform(0, LONGEST_SECONDS))
                await watch.look()
            runners = [await run(sink, app_id=app_id) for _ in range(2)]
    assert watch.backward == []
    assert sum(map(sum, sink.batches.values())) == len(sink.kept) == RESTARTS * RECORDS


async def until_committed(watch: Watch, total: int) -> None:
    """Wait until so many records are committed."""
    async with asyncio.timeout(60):
        while await watch.look() < total:  # noqa: ASYNC110  # Kafka does it
            await asyncio.sleep(0.05)
