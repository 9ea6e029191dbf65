import asyncio
from itertools import islice

import pytest
from harness.silent_broker import silent_broker

from dataflow.cli.sinks import table_of_sinks
from dataflow.errors import Misconfigured
from dataflow.kafka.connection import connection
from dataflow.settings import Role, Settings
from dataflow.sinks.configured import RunnerOptions, configured_sinks
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult
from dataflow.sinks.runner import SinkRunner
from dataflow.sinks.runner_note import SinkNote, note_of
from dataflow.sinks.status import Buffered, SinkLag, SinkState


def test_pauses_grow_to_the_longest_and_chance_takes_up_to_half_of_each():
    """Workers must not come back to a system all at once, nor wait for ever."""
    options = RunnerOptions("app", {}, first_pause_seconds=1.0, longest_pause_seconds=4.0)
    for expected, pause in zip([1, 2, 4, 4, 4], islice(options.pauses(), 5), strict=True):
        assert expected / 2 <= pause <= expected


def test_a_note_remembers_since_when_and_keeps_the_last_error_when_it_is_over():
    """What an operator asks at night: since when, and why."""
    note = SinkNote().failed("server is away", 1_000).failed("server starts", 2_000)
    assert note == SinkNote("server starts", 2_000, 1_000)
    assert note.succeeded() == SinkNote("server starts", 2_000, None)
    assert note_of(note.as_metadata()) == note


def test_a_note_remembers_what_the_sink_still_gathers_through_an_outage():
    """Else what waits for more records looked like a lag."""
    note = SinkNote().succeeded(consumed=17).failed("server is away", 1_000)
    assert note.consumed == 17
    assert note.succeeded() == SinkNote("server is away", 1_000)
    assert note_of(note.as_metadata()) == note


FOREIGN = (
    "{",
    "[]",
    '{"error":1}',
    "somebody else's",
    '{"x":' + "[" * 3_000,
    '{"error_at_ms":1000000000000000}',
)


@pytest.mark.parametrize("metadata", [None, "", *FOREIGN])
def test_what_others_have_noted_beside_an_offset_is_no_note(metadata):
    """Any client may commit for a group."""
    assert note_of(metadata) == SinkNote()


def test_a_note_fits_into_what_a_broker_keeps():
    """A broker refuses a commit with more than 4,096 bytes of metadata."""
    note = SinkNote().failed("\N{SNOWMAN}" * 10_000, 2**50)
    assert len(note.as_metadata().encode()) < 4_096


def test_a_role_runs_the_sinks_that_it_is_for(tmp_path):
    """All, or one, or none."""
    everything = {"postgres_url": "postgresql://h/d", "csv_dir": tmp_path}

    def names(**chosen: object) -> list[str]:
        return [sink.name for sink in configured_sinks(Settings(**chosen))]

    assert names() == []
    assert names(**everything) == ["csv", "postgres"]
    assert names(**everything, role=Role.SINK_CSV) == ["csv"]
    assert names(**everything, role=Role.ENRICH) == []
    assert names(**everything, role=Role.INGEST) == []


def test_a_role_whose_sink_is_not_configured_ends_the_worker():
    """It would run, and store nothing."""
    with pytest.raises(Misconfigured, match="DATAFLOW_ROLE is 'sink-postgres'; expected the settings"):
        configured_sinks(Settings(role=Role.SINK_POSTGRES))


def test_the_password_of_a_database_is_not_shown():
    """Settings are logged and printed."""
    assert "hush" not in repr(Settings(postgres_url="postgresql://me:hush@h/d"))


AWAY = SinkState(
    name="postgres",
    topics=["expedia_ext"],
    workers=0,
    lag=SinkLag(1_234, None),
    buffered=Buffered(56),
    records_per_second=0.0,
    last_error="PostgreSQL: away",
    last_error_at="2027-01-15T08:00:00Z",
    retrying_since="2027-01-15T07:59:59.500Z",
    leaderless_partitions=0,
)


def test_the_command_shows_a_row_for_each_sink():
    """Numbers with commas, instants as everywhere."""
    table = table_of_sinks([AWAY])
    cells = [str(cell) for column in table.columns for cell in column.cells]
    assert cells == [
        "postgres", "0", "1,234", "–", "56", "0.00", "2027-01-15T07:59:59.500Z",
        "2027-01-15T08:00:00Z PostgreSQL: away",
    ]  # fmt: skip


class QuietSink(Sink):
    """Only notes that it is closed."""

    name, topics, is_closed = "quiet", ("events",), False

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store nothing."""
        return batch.stored()

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True


NO_BROKER = RunnerOptions("app", {"bootstrap_servers": "127.0.0.1:1"}, first_pause_seconds=0.01)


async def test_a_runner_that_has_not_started_can_be_stopped():
    """A worker may end before its sinks have begun; the error that ended it must not be hidden by ours."""
    sink = QuietSink()
    await SinkRunner(sink, NO_BROKER).stop()
    assert sink.is_closed


async def test_a_runner_that_waits_for_the_broker_ends_when_it_is_stopped():
    """It would try again without a pause, for ever, and hold up the end of the worker."""
    sink = QuietSink()
    runner = SinkRunner(sink, NO_BROKER)
    starting = asyncio.create_task(runner.start())
    await asyncio.sleep(0.1)  # some tries
    await runner.stop()
    await asyncio.wait_for(starting, 10)
    assert sink.is_closed


async def test_a_runner_ends_when_it_is_stopped_while_a_broker_says_nothing():
    """It waited for as long as a request may take, 40 s, which no worker has at its end."""
    async with silent_broker() as broker:
        runner = SinkRunner(QuietSink(), RunnerOptions("app", connection([broker.address])))
        starting = asyncio.create_task(runner.start())
        await asyncio.wait_for(broker.asked.wait(), 30)
        await runner.stop()
        await asyncio.wait_for(starting, 10)
        await asyncio.wait_for(broker.left.wait(), 10)  # nothing of it stays open


async def test_a_runner_that_finds_out_why_it_is_not_let_in_ends_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
):
    """It may ask each broker for 15 s, and a worker has hardly more for its end."""
    is_asking = asyncio.Event()

    async def ask_for_ever(*_: object) -> str:
        is_asking.set()
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr("dataflow.sinks.runner.explain", ask_for_ever)
    runner = SinkRunner(QuietSink(), NO_BROKER)
    starting = asyncio.create_task(runner.start())
    await asyncio.wait_for(is_asking.wait(), 30)
    await runner.stop()
    await asyncio.wait_for(starting, 10)
