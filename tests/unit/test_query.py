"""Queries: typed from end to end; the result says which partitions are missing and how large the lag is."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.query import (
    Inquiry,
    Queries,
    ReadEntries,
    ReadEventCounts,
    ReadMarks,
    ReadStates,
    ReadTotals,
    decode_results,
    encode_results,
)
from dataflow.engine.query_result import PartitionResult, QueryResult, merge_results
from dataflow.engine.slices import SLICE_SECONDS, in_slices
from dataflow.engine.stored_partition import StoreClosed
from dataflow.engine.tables import ALL, Sum, Totals, WindowedTable
from dataflow.engine.tables.answer import WindowMark, WindowMarks
from dataflow.engine.tables.merging import added_up
from dataflow.engine.tables.window_entry import EntryFormat

DAY_MS = 86_400_000
SUMS = WindowedTable("sums", key="key", windows=(), total=Sum("number"))

NOW_SECONDS = 1_700_000_000


def a_result(
    partition: int, generation: int = 1, content: int = 1, lag: int = 0, at_ms: int = 0
) -> PartitionResult[int]:
    """Return what a worker says of one partition."""
    return PartitionResult("events", partition, generation, lag, at_ms, content)


def result_of(*results: PartitionResult[int], partitions: int = 3) -> QueryResult[int]:
    """Return the result of a query to a topic that has so many partitions."""
    return merge_results(partitions, results)


def test_all_partitions_answered():
    """Nothing is missing, and every part is there."""
    result = result_of(a_result(2), a_result(0), a_result(1))
    assert list(result.by_partition) == [0, 1, 2]
    assert result.missing == []


def test_partitions_without_an_answer_are_named():
    """An answer never looks complete when it is not."""
    assert result_of(a_result(1)).missing == [0, 2]
    assert result_of().missing == [0, 1, 2]


@pytest.mark.parametrize("zombie_first", [True, False])
def test_a_zombie_loses_against_the_later_generation(zombie_first: bool):
    """A worker that was frozen still believes that it owns what another one counts now."""
    zombie, owner = a_result(0, 1, 5), a_result(0, 2, 9)
    parts = [zombie, owner] if zombie_first else [owner, zombie]
    assert result_of(*parts).by_partition[0] == 9


def test_a_zombie_is_not_counted_as_behind():
    """How far behind an answer is depends on the parts that are in it."""
    assert result_of(a_result(0, 1, lag=1000, at_ms=1), a_result(0, 2)).lag_records == 0


def test_behind_is_the_sum_of_records_and_the_oldest_of_times(monkeypatch: pytest.MonkeyPatch):
    """The slowest partition says how old the counts are."""
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    result = result_of(
        a_result(0, lag=5, at_ms=(NOW_SECONDS - 7) * 1000),
        a_result(1, lag=2, at_ms=(NOW_SECONDS - 3) * 1000),
        a_result(2, lag=0, at_ms=(NOW_SECONDS - 900) * 1000),
    )
    assert (result.lag_records, result.lag_seconds) == (7, 7.0)


def test_an_idle_topic_is_not_behind_however_old_its_last_record():
    """All is counted: nothing is late about it."""
    assert result_of(a_result(0, at_ms=1), partitions=1).lag_seconds == 0.0


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (
            ReadMarks("table", "day", (1, None), 60, newest=True),
            WindowMarks([WindowMark(1, -(2**62), 3, 2)], 4, 5, 6, 7, 8),
        ),
        (ReadStates("table", "day", [(0, DAY_MS)], 2), [{"key": 1, "other": None}]),
        (ReadEntries("table", "all", [((0, None), ["key"])]), [[[], [[0, 1, b"x"]]]]),
        (ReadTotals("table", "all", (0, None), ("count", "errors")), Totals(1, [{"key": 1}], -1, -1)),
        (ReadEventCounts(), EventCounts(3, 1, Counter(bots=1), Counter(not_json=1))),
    ],
)
def test_queries_and_answers_arrive_as_they_were_sent(query, answer):
    """What one worker encodes, another one decodes: no value becomes another on the way."""
    inquiry = Inquiry(["events", "others"], query)
    results = [PartitionResult("events", 0, 3, 2, 9, answer)]

    assert Queries.decoder.decode(msgspec.msgpack.encode(inquiry)) == inquiry
    assert decode_results(encode_results(results), type(query)) == results


def test_event_counts_arrive_with_counters_that_can_be_added_up():
    """A plain mapping is equal to a counter, but what is added to it would take the place of what it has."""
    counts = EventCounts(3, 1, Counter(bots=1), Counter(not_json=1))
    results = [PartitionResult("events", partition, 3, 2, 9, counts) for partition in range(2)]

    one, other = decode_results(encode_results(results), ReadEventCounts)
    one.content.add(other.content)

    assert one.content == EventCounts(6, 2, Counter(bots=2), Counter(not_json=2))


def test_totals_of_any_size_travel():
    """The integers of msgpack end; sums do not."""
    results = [PartitionResult("events", 0, 3, 2, 9, [{"key": 2**70, "other": 1}])]

    [result] = decode_results(encode_results(results), ReadStates)

    assert added_up(EntryFormat(SUMS, ALL), 2, [result.content[0], {"key": 1}])["key"] == float(2**70)


@pytest.mark.parametrize(
    "query",
    [
        None,
        {"type": "ReadSizes"},
        {"type": "ReadStates", "table": 1},
        {"type": "ReadEventCounts", "topic": "x"},
    ],
)
async def test_a_query_of_another_release_is_an_error(query):
    """It must not be answered as if it had asked for less."""
    for body in (b"", b"\x01", msgspec.msgpack.encode({"topics": ["events"], "query": query})):
        with pytest.raises(msgspec.MsgspecError):
            await Queries(None, None, None).answer(body)


async def test_other_work_comes_in_between_the_steps_of_a_long_answer():
    """A worker that answers must not keep its partitions waiting."""
    came: list[str] = []

    def steps() -> Generator[None, None, str]:
        for number in range(3):
            asyncio.get_running_loop().call_soon(came.append, f"other work {number}")
            time.sleep(2 * SLICE_SECONDS)
            came.append(f"step {number}")
            yield
        return "done"

    assert await in_slices(steps()) == "done"
    assert came == [f"{what} {number}" for number in range(3) for what in ("step", "other work")]


class ClosedSession:
    """The HTTP client of a worker that stops."""

    def post(self, *_: object, **__: object) -> object:
        """Refuse."""
        raise RuntimeError("Session is closed")


async def test_a_query_that_is_under_way_as_its_worker_stops_logs_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Asyncio told of each that asked other workers then, or that failed here before they had answered."""
    options = SimpleNamespace(peer_headers=lambda *_: {}, query_seconds=1.0)
    engine = SimpleNamespace(
        options=options, partitions={}, topology=SimpleNamespace(partition_counts={"events": 3})
    )
    app = SimpleNamespace(http_client=ClosedSession(), should_stop=True, consumer_generation_id=1)
    queries: Any = Queries(app, engine, None)
    monkeypatch.setattr(queries, "other_owners", AsyncMock(return_value={"http://other"}))
    told = await queries.query(["events"], ReadEventCounts())
    assert told["events"].missing == [0, 1, 2]
    monkeypatch.setattr(queries, "_read", AsyncMock(side_effect=StoreClosed("stopping")))
    with pytest.raises(StoreClosed):
        await queries.query(["events"], ReadEventCounts())
    await asyncio.sleep(0)
    gc.collect()
    assert not caplog.records


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ('{"error":"clock is 3,600 s ahead"}', "403: clock is 3,600 s ahead"),
        ("<html>Forbidden", "403"),
        ("\udcff", "403"),
    ],
)
async def test_a_query_that_is_refused_is_logged_with_the_reason(
    told: str, reason: str, caplog: pytest.LogCaptureFixture
):
    """A 403 alone has several causes: another secret, another clock, a proxy in between."""

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=403, body=told.encode(errors="surrogateescape"))

    served = web.Application()
    served.router.add_post("/_query", refuse)
    async with TestClient(TestServer(served)) as client:
        options = SimpleNamespace(peer_headers=lambda *_: {}, query_seconds=5.0)
        engine = SimpleNamespace(
            options=options, partitions={}, topology=SimpleNamespace(partition_counts={"events": 1})
        )
        app = SimpleNamespace(http_client=client.session, should_stop=False, consumer_generation_id=1)
        queries: Any = Queries(app, engine, None)
        queries.other_owners = AsyncMock(return_value={str(client.make_url("")).rstrip("/")})
        assert (await queries.query(["events"], ReadEventCounts()))["events"].missing == [0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.text.rstrip().replace('"', "").endswith(f"reason={reason}")
