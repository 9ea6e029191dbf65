"""What a batch agent may not do: everything that would not be in the checkpoint's transaction."""

from collections.abc import AsyncIterator, Callable, Iterator

import faust
import pytest
from faust.events import Event
from faust.types.tuples import Message
from harness.relay import MARK, Names, Relay, relay
from partition_bench import Bench

from dataflow.engine.batch import current_batch
from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.event_time import EventTime
from dataflow.engine.tables import Count, Distinct, Sum, WindowedTable
from dataflow.engine.topic import OutsideTransaction
from dataflow.errors import Misconfigured

NO_BROKER = "127.0.0.1:1"  # nothing here connects
NO_ROWS: ColumnBatch[object] = ColumnBatch()


@pytest.fixture
async def worker(unique: Callable[[str], str]) -> AsyncIterator[Relay]:
    """Return a worker that is not started."""
    made = relay(NO_BROKER, Names.of(unique))
    yield made
    if made.app._consumer is not None:  # Faust's tables ask it; its thread's loop is there from the first
        made.app.batch_consumer.thread.thread_loop.close()


@pytest.fixture
def inside_a_batch() -> Iterator[None]:
    """Run the test as if inside `async with batch`."""
    token = current_batch.set(Bench().deliver(0, [b"{}"]))
    yield
    current_batch.reset(token)


async def test_sending_to_an_ordinary_topic_is_refused(worker: Relay, inside_a_batch: None):
    """Stock Faust forgets what was not delivered and commits all the same (FAUST.md 3, sinks)."""
    topic = worker.app.topic("elsewhere", value_type=bytes)
    with pytest.raises(
        OutsideTransaction, match=r"send\(\) of topic elsewhere is used inside a batch of source"
    ):
        await topic.send(value=b"x")
    with pytest.raises(OutsideTransaction, match=r"send_soon\(\) of topic elsewhere"):
        topic.send_soon(value=b"x")
    with pytest.raises(OutsideTransaction, match="elsewhere"):
        await worker.app.send("elsewhere", value=b"x")


async def test_sending_to_a_batch_topic_is_refused_everywhere(worker: Relay):
    """It is written by checkpoints only."""
    with pytest.raises(OutsideTransaction, match=r"expected send_batch\(\)"):
        await worker.output.send(value=b"x")
    with pytest.raises(OutsideTransaction, match=r"expected send_batch\(\)"):
        worker.output.send_soon(value=b"x")


async def test_calling_another_agent_is_refused(worker: Relay, inside_a_batch: None):
    """A call is a message that no checkpoint waits for."""

    @worker.app.agent(worker.app.topic("elsewhere", value_type=bytes))
    async def listen(values: AsyncIterator[bytes]) -> None:
        """Read an ordinary topic."""

    with pytest.raises(OutsideTransaction):
        await listen.cast(b"x")
    with pytest.raises(OutsideTransaction):
        await listen.ask(b"x")


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
async def test_changing_an_ordinary_table_is_refused(worker: Relay, inside_a_batch: None, kind: str):
    """Its changelog is written apart from the offsets: counts doubled by a crash, silently."""
    table = getattr(worker.app, kind)("plain", partitions=1, default=int)
    with faust_event(worker.app):
        with pytest.raises(OutsideTransaction):
            table["a"] = 1
        with pytest.raises(OutsideTransaction):
            table["a"] += 1
        with pytest.raises(OutsideTransaction):
            table.pop("a")
        with pytest.raises(OutsideTransaction):
            table.update(a=1)
    assert dict(table.data) == {}


async def test_changing_a_table_of_sets_is_refused(worker: Relay, inside_a_batch: None):
    """Sets are tables, too."""
    members = worker.app.SetTable("members", partitions=1)
    with faust_event(worker.app), pytest.raises(OutsideTransaction):
        members["a"].add("x")


async def test_counting_in_an_ordinary_window_is_refused(worker: Relay, inside_a_batch: None):
    """Faust's windows are ordinary tables underneath."""
    windowed = worker.app.Table("windowed", partitions=1, default=int).tumbling(60)
    with faust_event(worker.app), pytest.raises(OutsideTransaction):
        windowed["a"] += 1


async def test_ordinary_tables_may_be_read(worker: Relay, inside_a_batch: None):
    """Reading leaves nothing behind."""
    table = worker.app.Table("plain", partitions=1, default=int)
    with faust_event(worker.app):
        assert table.get("a") == 0


async def test_counting_and_sending_outside_of_a_batch_are_refused(worker: Relay):
    """There is no checkpoint that they could go with."""
    with pytest.raises(OutsideTransaction, match=r"add\(\) of table per_kind is called outside of a batch"):
        worker.table.add(NO_ROWS)
    with pytest.raises(OutsideTransaction, match=r"send_batch\(\) of topic .* is called outside of a batch"):
        await worker.output.send_batch(NO_ROWS)


async def test_a_second_agent_on_a_batch_topic_is_refused(worker: Relay):
    """Each would finish the same batch."""
    with pytest.raises(
        Misconfigured, match=r"reads .*, which agent .*relay_events reads; expected one agent"
    ):

        @worker.app.agent(worker.source)
        async def another(batches: AsyncIterator[object]) -> None:
            """Read what another agent reads."""


@pytest.mark.parametrize(
    "setting", [{"concurrency": 2}, {"isolated_partitions": True}, {"sink": ["elsewhere"]}]
)
async def test_what_breaks_the_order_or_the_transaction_is_refused(
    unique: Callable[[str], str], setting: dict[str, object]
):
    """Concurrent batches of a partition would go out of order; a sink's send is awaited by nobody."""
    worker = relay(NO_BROKER, Names.of(unique), agent=False)
    with pytest.raises(Misconfigured, match=f"sets {next(iter(setting))}; expected none"):

        @worker.app.agent(worker.source, **setting)
        async def hurry(batches: AsyncIterator[object]) -> None:
            """Read in a hurry."""


async def test_a_table_of_a_name_that_is_taken_is_refused(worker: Relay):
    """Both would write the same entries of the changelog."""
    with pytest.raises(Misconfigured, match="table per_kind is declared twice"):
        worker.app.windowed_table(worker.source, WindowedTable("per_kind", key="kind"))


async def test_a_table_of_a_topic_without_event_time_is_refused(worker: Relay):
    """The wall clock decides nothing: without a time there is no window."""
    with pytest.raises(Misconfigured, match="has no event_time; expected one, as other counts it"):
        worker.app.windowed_table(worker.output, WindowedTable("other", key="kind"))


@pytest.mark.parametrize(
    ("declared", "missing"),
    [
        (WindowedTable("others", key="colour"), "colour"),
        (WindowedTable("others", key="kind", sizes=Sum("size")), "size"),
        (WindowedTable("others", key="kind", numbers=Distinct("numer")), "numer"),
    ],
)
async def test_a_table_of_a_column_that_no_event_has_is_refused(
    worker: Relay, declared: WindowedTable, missing: str
):
    """A typing error ends the start with the names there are, not the worker at the first event."""
    with pytest.raises(
        Misconfigured,
        match=f"table others of .* reads the column '{missing}'; expected one of at, kind, mark, n",
    ):
        worker.app.windowed_table(worker.source, declared)
    assert [table.name for table in worker.app.topology.tables] == ["per_kind"]


async def test_the_count_needs_no_column(worker: Relay):
    """It counts rows, whatever they hold; to say so is allowed."""
    worker.app.windowed_table(worker.source, WindowedTable("others", key="kind", count=Count()))


async def test_an_event_time_that_is_no_column_is_refused(worker: Relay):
    """Windows would have nothing to go by."""
    with pytest.raises(
        Misconfigured,
        match="event time of topic x reads the column 'when'; expected one of at, kind, mark, n",
    ):
        worker.app.batches("x", event_time=EventTime("when", int), columns=MARK.columns)
    with pytest.raises(Misconfigured, match="reads the column 'at'; expected one of none"):
        worker.app.batches("x", event_time=EventTime("at", int))


@pytest.mark.parametrize("as_object", [True, False])
async def test_an_agent_of_single_events_on_a_source_is_refused(worker: Relay, as_object: bool):
    """Its stream would get whole batches, and finish none: nothing would ever be committed."""
    name = worker.source.get_topic_name()
    with pytest.raises(Misconfigured, match=r"is read by agent .*|expected the object that batches\(\) gave"):

        @worker.app.agent(worker.app.topic(name, value_type=bytes) if as_object else name)
        async def read_events(events: AsyncIterator[bytes]) -> None:
            """Read one event after the other."""


async def test_an_agent_of_single_events_that_is_declared_first_is_refused_all_the_same(
    unique: Callable[[str], str],
):
    """The order of modules is nobody's decision."""
    names = Names.of(unique)
    worker = relay(NO_BROKER, names, agent=False)
    other = f"other-{names.source}"

    @worker.app.agent(worker.app.topic(other, value_type=bytes))
    async def read_events(events: AsyncIterator[bytes]) -> None:
        """Read one event after the other."""

    with pytest.raises(Misconfigured, match=f"topic {other} is read by agent .*read_events as single events"):

        @worker.app.agent(worker.app.batches(other))
        async def read_batches(batches: AsyncIterator[object]) -> None:
            """Read batches."""


async def test_batches_that_no_agent_reads_are_refused(worker: Relay):
    """Nobody would notice that they are never finished."""
    with pytest.raises(Misconfigured, match=f"{worker.output.get_topic_name()} is read without an agent"):
        worker.app.stream(worker.output)


def faust_event(app: faust.App) -> "EventOfATable":
    """Let Faust's tables believe that an event is being processed, as they demand."""
    return EventOfATable(app)


class EventOfATable:
    """An event under way: Faust takes the partition of a table's change from it."""

    def __init__(self, app: faust.App) -> None:
        self._app = app

    def __enter__(self) -> None:
        message = Message("source", 0, 0, 0.0, 0, None, None, b"", None)
        event = Event(self._app, None, b"", None, message)
        self._token = faust.streams._current_event.set(lambda: event)

    def __exit__(self, *_: object) -> None:
        faust.streams._current_event.reset(self._token)
