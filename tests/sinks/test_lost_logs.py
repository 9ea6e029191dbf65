"""A broker that has lost the log of a topic and kept the topic: what a sink makes of what comes then."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from kafka_client import KafkaClient
from lost_logs import lose_log
from sinks.faults import guests_database, small_store
from sinks.flow import PARTITIONS, RETRY_SECONDS, Flow, sink_of
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.systems import System, csv_folder, search
from sinks.waiting import until

from dataflow.demo.broker import EmbeddedBroker
from dataflow.sinks.runner import SinkRunner

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

SYSTEMS = [
    pytest.param(guests_database, id="postgres"),
    pytest.param(small_store, id="s3"),
    pytest.param(search, id="opensearch", marks=pytest.mark.skipif(not JARS, reason=NOT_THERE)),
]

Start = Callable[[Path], AbstractContextManager[System]]
FlowOf = Callable[[System], Awaitable[Flow]]
AFlow = tuple[FlowOf, EmbeddedBroker]
Run = Callable[..., Awaitable[SinkRunner]]


@pytest.fixture
def a_flow(flow_of: FlowOf, own_broker: EmbeddedBroker) -> AFlow:
    """Return what makes a flow, and the broker that it is on."""
    return flow_of, own_broker


async def lose(flow: Flow, broker: EmbeddedBroker, pieces: int) -> None:
    """Lose what the topic has, and send so many pieces of new records."""
    await asyncio.to_thread(lose_log, broker, flow.system.topic, PARTITIONS)
    flow.client = KafkaClient(broker.address)
    for _ in range(pieces):
        await asyncio.to_thread(flow.send)


@pytest.mark.parametrize(
    ("pieces", "is_away"),
    [(1, True), (1, False), (5, True), (5, False)],
    ids=["shorter, away", "shorter, running", "longer, away", "longer, running"],
)
@pytest.mark.parametrize("start", SYSTEMS)
async def test_what_comes_after_a_lost_log_is_stored_beside_the_rest(
    a_flow: AFlow, run: Run, tmp_path: Path, start: Start, pieces: int, is_away: bool
):
    """Its records have the offsets of others: they were never read, or taken for those that are stored."""
    flow_of, own_broker = a_flow
    with start(tmp_path) as system:
        flow = await flow_of(system)
        app_id, address = flow.runner.options.app_id, flow.client.address
        for _ in range(3):
            flow.send()
        await flow.until_stored()
        for _ in range(2):
            if is_away:
                await flow.runner.stop()
            await lose(flow, own_broker, pieces)
            if is_away:
                flow.runner = await run(sink_of(system), address=address, app_id=app_id)
            await flow.until_stored()
        assert flow.reasons() == []
        await flow.runner.stop()


async def test_the_csv_sink_waits_until_the_files_of_a_lost_log_are_moved(a_flow: AFlow, tmp_path: Path):
    """It has no other name for the new events, and their offsets are those of lines that are written."""
    flow_of, own_broker = a_flow
    moved = tmp_path / "moved"
    moved.mkdir()
    with csv_folder(tmp_path) as system:
        flow = await flow_of(system)
        flow.send()
        await flow.until_stored()
        first = flow.sent
        await lose(flow, own_broker, 5)
        await flow.until_told("or of a log that has lost records. To store what has come since, move")
        assert sorted(system.numbers()) == list(range(first))
        for file in [*system.folder.glob("*.csv"), *system.folder.glob(".*.position")]:
            shutil.move(file, moved)
        await until(lambda: sorted(system.numbers()) == list(range(first, flow.sent)), RETRY_SECONDS)
        await flow.runner.stop()
