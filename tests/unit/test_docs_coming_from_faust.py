"""The page for those who know Faust: its code runs, and the errors that it quotes are those of the code."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.events import Event
from faust.types.tuples import Message
from partition_bench import Bench

from dataflow.engine.app import App
from dataflow.engine.batch import Batch, BatchStream, current_batch
from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.options import EngineOptions
from dataflow.engine.splice import Added
from dataflow.engine.tables import DAY, WindowedTable
from dataflow.engine.topic import BatchTopic, CountedTable
from dataflow.errors import DataflowError
from dataflow.kafka.connection import connection
from dataflow.kafka.types import TopicPartition

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "coming-from-faust.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FILES = dict(re.findall(r"`([\w/]+\.py)`[^`]*:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
QUOTED = " ".join(" ".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)).split())

ADD_FOLDERS = """
from pathlib import Path

import agents, dataflow.catalogue.streams, dataflow.stages, models, tables

for package in (agents, dataflow.catalogue.streams, dataflow.stages, models, tables):
    package.__path__.append(str(Path(__file__).parent / package.__name__.replace(".", "/")))
"""

TEST_FAUST = """
import asyncio
from unittest.mock import AsyncMock

import before

async def main():
    before.app.flow_control.resume()
    before.visits_with_device.send = AsyncMock()  # Faust's way to do without a broker
    async with before.add_device.test_context() as agent:
        await agent.put(before.Visit(page="/", browser="Mobile Safari", at="2026-01-31T12:00:00Z"))
        print(agent.results)

asyncio.run(main())
"""


def run(*arguments: str, folder: Path) -> str:
    """Return what a fresh interpreter prints; it knows the app and the tools of the tests."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_is_run():
    """One is plain Faust, all others are files."""
    assert len(BLOCKS) == 1 + len(FILES)
    assert len(FILES) == 6


def test_the_faust_app_works(tmp_path):
    """Otherwise the comparison would be unfair."""
    (tmp_path / "before.py").write_text(BLOCKS[0])
    (tmp_path / "main.py").write_text(TEST_FAUST)
    assert run("main.py", folder=tmp_path).strip() == "{0: 'phone'}"


def test_the_files_of_the_page_pass_their_own_test(tmp_path):
    """They stand where the page says, and nothing else of the app is touched."""
    for path, source in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    (tmp_path / "conftest.py").write_text(ADD_FOLDERS)
    pytest_options = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-n", "0", "-q"]
    report = run("-m", "pytest", *pytest_options, str(tmp_path), folder=tmp_path)
    assert "3 passed" in report


class Visit(faust.Record, include_metadata=False):
    """The event of the page."""

    browser: str
    at: int


DEVICE = EnrichStage(
    "device", compile_decoder(Visit, ["browser", "at"], ["device"]), lambda _: Added(device="phone")
)
VISIT = b'{"browser": "Firefox", "at": 1700000000000}'


class Declared:
    """The app of the page: one topic in batches, its agent, its table."""

    def __init__(self) -> None:
        self.app = App("visits-app", engine=EngineOptions(connection=connection(["127.0.0.1:1"])))
        self.visits = self.batches(EventTime("at", int))
        self.table = self.count("visits_per_device", "device")
        self.app.agent(self.visits)(add_device)

    def batches(self, event_time: EventTime) -> BatchTopic:
        """Declare the topic."""
        return self.app.batches("visits", event_time=event_time, columns=DEVICE.columns)

    def count(self, name: str, key: str, topic: BatchTopic | None = None) -> CountedTable:
        """Declare a table."""
        return self.app.windowed_table(topic or self.visits, WindowedTable(name, key=key, windows=(DAY,)))


async def add_device(batches: Any) -> None:
    """Read batches."""


async def read_visits(visits: Any) -> None:
    """Read single events."""


async def count_visits(batches: Any) -> None:
    """Read what another agent reads."""


async def yield_device(batches: Any) -> AsyncIterator[str]:
    """Yield, as agents of Faust do."""
    async for _ in batches:
        yield "phone"


def batch_of_visits() -> Batch:
    """Return two visits."""
    bench = Bench(tp=TopicPartition("visits", 0), tables=())
    return bench.deliver(0, [VISIT, VISIT])


async def deliver(*batches: Batch) -> AsyncIterator[Batch]:
    """Hand out batches."""
    for batch in batches:
        yield batch


DECLARATIONS: dict[str, Callable[[Declared], object]] = {
    "events, by object": lambda d: d.app.agent(d.app.topic("visits"))(read_visits),
    "events, by name": lambda d: d.app.agent("visits")(read_visits),
    "takes": lambda _: BatchStream("add_device", deliver()).take,
    "yields": lambda d: d.app.agent(d.app.batches("others"))(yield_device),
    "second agent": lambda d: d.app.agent(d.visits)(count_visits),
    "concurrency": lambda d: d.app.agent(d.visits, concurrency=2)(add_device),
    "no agent": lambda _: without_agent(),
    "add outside": lambda d: d.table.add(ColumnBatch()),
    "column": lambda d: d.count("visits_per_town", "town"),
    "event time": lambda d: d.batches(EventTime("when", int)),
    "no event time": lambda d: d.count("visits_per_town", "town", d.app.batches("visits-with-device")),
    "twice": lambda d: d.count("visits_per_device", "device"),
}
RUN_TIME_ERRORS = 6
"""The tests below that have an error each."""


def without_agent() -> None:
    """Read a batch topic as a stream."""
    app = App("visits-app", engine=EngineOptions(connection=connection(["127.0.0.1:1"])))
    app.stream(app.batches("visits"))


def check_quoted(error: DataflowError) -> None:
    """Fail unless the page has this error, word for word."""
    message = re.sub(r"0x[0-9a-f]+", "0x…", f"{type(error).__name__}: {error}")
    assert " ".join(message.split()) in QUOTED


@pytest.mark.parametrize("declare", DECLARATIONS.values(), ids=DECLARATIONS)
async def test_what_is_refused_when_it_is_declared_is_quoted(declare):
    """Who searches for the message finds the page."""
    with pytest.raises(DataflowError) as raised:
        declare(Declared())
    check_quoted(raised.value)


@pytest.fixture
def inside_a_batch() -> Iterator[None]:
    """Run the test as if inside `async with batch`."""
    token = current_batch.set(batch_of_visits())
    yield
    current_batch.reset(token)


async def test_a_send_inside_a_batch_is_quoted(inside_a_batch):
    """Of an ordinary topic."""
    with pytest.raises(DataflowError) as raised:
        await Declared().app.topic("words", value_type=bytes).send(value=b"x")
    check_quoted(raised.value)


async def test_a_change_of_an_ordinary_table_inside_a_batch_is_quoted(inside_a_batch):
    """It would send to its changelog."""
    app = Declared().app
    table = app.Table("words_seen", partitions=1, default=int)
    message = Message("words", 0, 0, 0.0, 0, None, None, b"", None)
    event = Event(app, None, b"", None, message)
    token = faust.streams._current_event.set(lambda: event)
    try:
        with pytest.raises(DataflowError) as raised:
            table["x"] += 1
    finally:
        faust.streams._current_event.reset(token)
        app.batch_consumer.thread.thread_loop.close()
    check_quoted(raised.value)


@pytest.mark.parametrize("call", ["send", "send_batch"])
async def test_what_a_batch_topic_refuses_is_quoted(call):
    """`send` everywhere, `send_batch` outside of batches."""
    visits = Declared().visits
    with pytest.raises(DataflowError) as raised:
        await (visits.send(value=b"x") if call == "send" else visits.send_batch(ColumnBatch()))
    check_quoted(raised.value)


async def test_an_agent_that_enters_no_batch_is_quoted():
    """It would acknowledge nothing."""
    with pytest.raises(DataflowError) as raised:
        async for _ in BatchStream("add_device", deliver(batch_of_visits(), batch_of_visits())):
            pass
    check_quoted(raised.value)


async def test_events_that_end_nowhere_are_quoted():
    """The agent has read them, and nothing else."""
    with pytest.raises(DataflowError) as raised:
        async with batch_of_visits() as batch:
            batch.apply(DEVICE)
    check_quoted(raised.value)


def test_every_quoted_error_is_checked():
    """A quote that no test above provokes would grow old."""
    names = re.findall(r"(?:Misconfigured|OutsideTransaction|UnaccountedEvents): ", QUOTED)
    assert len(names) == len(DECLARATIONS) + RUN_TIME_ERRORS
