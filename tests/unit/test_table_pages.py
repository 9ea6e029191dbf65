"""Answers about tables: bounded, page by page the whole, kept, and never older than what is counted."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer, make_mocked_request
from aiohttp.web import Application, Response
from hypothesis import given
from hypothesis import strategies as st
from table_answers import TOPIC, OneWorker, windows_of
from table_parts import merge_entries, part_of, reader_of
from table_rows import rows_of, unhurried

from dataflow.engine.query import MSGPACK, QUERY_PATH
from dataflow.engine.tables import Distinct, Max, Sum, TablePartition, Window, WindowedTable
from dataflow.http_error import HttpError
from dataflow.web.counts import MOST_TOGETHER
from dataflow.web.edge import kept_response
from dataflow.web.table_page import MOST_WINDOWS
from dataflow.web.table_request import MOST_ENTRIES, NEWEST

NAMES = ("page", "user", "bytes")
SECOND_MS = 1_000
TEN, FORTY = (Window(f"of_{size}", size * SECOND_MS) for size in (10, 40))


def table(max_keys=100, lateness_ms=35 * SECOND_MS):
    """Return a table of small windows."""
    return WindowedTable(
        "views",
        key="page",
        windows=(TEN, FORTY),
        lateness_ms=lateness_ms,
        max_keys=max_keys,
        users=Distinct("user"),
        bytes=Sum("bytes"),
        most=Max("bytes"),
    )


def fold(table_partition, *rows):
    """Count rows, given as seconds, page, user and bytes."""
    table_partition.fold(rows_of([(time * SECOND_MS, *row) for time, *row in rows], *NAMES))


rows = st.tuples(
    st.integers(0, 300),
    st.sampled_from("abcdefg"),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(0, 9)),
)
batches = st.lists(
    st.tuples(st.integers(0, 2), st.lists(rows, min_size=1, max_size=8), st.booleans()), max_size=12
)
questions = st.fixed_dictionaries(
    {
        "window": st.sampled_from(["of_10", "of_40", "all"]),
        "merge": st.sampled_from(["true", "false"]),
        "order": st.sampled_from(["count", "bytes", "users", "most", "key"]),
        "limit": st.integers(1, 30).map(str),
    },
    optional={"top": st.integers(1, 4).map(str)},
)


def whole(declared, table_partitions, question):
    """Return all windows as they are without pages."""
    window = declared.window(question["window"])
    top = question.get("top")
    return merge_entries(
        declared,
        window,
        [part_of(table_partition, window) for table_partition in table_partitions],
        merge_windows=question["merge"] == "true",
        top=None if top is None else int(top),
        order=question["order"],
    )


@unhurried
@given(batches, st.sampled_from([2, 100]), st.lists(questions, min_size=1, max_size=3))
def test_the_pages_of_an_answer_are_the_whole_and_none_is_stale(counted, max_keys, asked):
    """Whoever asks again and again, at any moment, gets what is counted then.

    Whether it was kept from before or not, and whether windows are open, packed, sealed or rolled up.
    """
    declared = table(max_keys)
    table_partitions = [TablePartition(declared) for _ in range(3)]
    worker = OneWorker(declared, table_partitions)
    for number, batch, has_snapshot in counted:
        fold(table_partitions[number], *batch)
        if has_snapshot:
            table_partitions[number].snapshot()
        for question in asked:
            pages = worker.pages(**question)

            assert windows_of(pages) == whole(declared, table_partitions, question)
            for page in pages:
                named = [e for w in page["windows"] for e in w["entries"] if e["key"] != "(other)"]
                assert len(named) <= int(question["limit"])


def test_only_the_newest_windows_are_shown_unless_a_range_is_given():
    """A year of minutes is half a million windows."""
    declared = table()
    table_partitions = [TablePartition(declared) for _ in range(2)]
    for number, table_partition in enumerate(table_partitions):
        fold(table_partition, *[(10 * n + 5 * number, "a", 1, 1) for n in range(number, 100, 2)])
    worker = OneWorker(declared, table_partitions)

    newest = windows_of(worker.pages(window="of_10"))
    every = windows_of(worker.pages(window="of_10", **{"from": "1970-01-01"}))

    assert len(newest) == NEWEST
    assert newest == every[-NEWEST:]
    assert every == whole(declared, table_partitions, {"window": "of_10", "merge": "false", "order": "count"})


def test_pages_go_on_in_the_windows_of_the_first_whatever_comes_meanwhile():
    """The newest windows are others in a minute."""
    declared = table()
    table_partition = TablePartition(declared)
    fold(table_partition, *[(10 * n, page, 1, 1) for n in range(70) for page in "ab"])
    worker = OneWorker(declared, [table_partition])
    pages = [worker.get(window="of_10", limit="50")]

    fold(table_partition, (700, "a", 1, 1))
    while pages[-1]["next"]:
        pages.append(worker.follow(pages[-1]["next"]))

    assert [window["start"] for window in windows_of(pages)] == [
        f"1970-01-01T00:{second // 60:02}:{second % 60:02}Z" for second in range(100, 700, 10)
    ]


@unhurried
@given(st.lists(rows, min_size=1, max_size=40), st.sampled_from([2, 100]), st.sampled_from(["false", "true"]))
def test_all_keys_together_are_the_table_without_its_keys(counted, max_keys, merge):
    """What a curve shows: requests a minute, whatever they asked for; who asks for two pages counts once."""
    keyed, alone = (TablePartition(table(limit)) for limit in (max_keys, 100))
    fold(keyed, *counted)
    fold(alone, *[(time, "(all)", *row) for time, _, *row in counted])
    question = {"window": "of_10", "from": "1970-01-01", "merge": merge}

    together = windows_of(OneWorker(keyed.table, [keyed]).pages(**question, keys="together", limit="7"))

    assert together == windows_of(OneWorker(alone.table, [alone]).pages(**question))


def test_more_keys_than_can_be_put_together_are_refused():
    """With what can be asked instead."""
    declared = table(10_000)
    table_partition = TablePartition(declared)
    fold(table_partition, *[(1, f"page{number}", 1, 1) for number in range(MOST_TOGETHER + 1)])
    with pytest.raises(HttpError, match="keys is 'together'; expected each, as a window has 5,001 keys"):
        OneWorker(declared, [table_partition]).get(window="of_10", keys="together")


@pytest.mark.parametrize("wanted", [1, 7, 100])
def test_so_many_of_the_newest_windows_are_shown_as_are_asked_for(wanted: int):
    """A curve of six hours has 360 minutes."""
    declared = table()
    table_partition = TablePartition(declared)
    fold(table_partition, *[(10 * n, "a", 1, 1) for n in range(90)])
    worker = OneWorker(declared, [table_partition])
    every = windows_of(worker.pages(window="of_10", **{"from": "1970-01-01"}))
    assert windows_of(worker.pages(window="of_10", newest=str(wanted))) == every[-wanted:]
    with pytest.raises(HttpError, match="newest is '7'; expected none with from or to"):
        worker.get(window="of_10", newest="7", to="1980-01-01")


def test_an_answer_says_how_many_entries_a_window_has():
    """Who is shown the first ten sees that there are more."""
    declared = table()
    table_partition = TablePartition(declared)
    fold(table_partition, *[(0, f"page {n}", 1, 1) for n in range(150)])
    answer = OneWorker(declared, [table_partition]).get(limit="20")

    assert (answer["windows"][0]["total"], len(answer["windows"][0]["entries"])) == (150, 20)


def test_windows_that_are_too_many_to_be_put_together_are_refused():
    """Nobody can have a worker add up for seconds; the error says what to ask instead."""
    declared = table(lateness_ms=None)
    table_partition = TablePartition(declared)
    fold(table_partition, *[(10 * n, "a", 1, 1) for n in range(MOST_WINDOWS + 1)])
    worker = OneWorker(declared, [table_partition])

    asked = {"window": "of_10", "limit": "1000", "from": "1970-01-01"}

    with pytest.raises(HttpError, match=r"merge is 'true'; expected a shorter range from, to, or larger"):
        worker.get(**asked, merge="true")
    assert len(windows_of(worker.pages(**asked))) == MOST_WINDOWS + 1


def test_by_distinct_values_the_keys_with_most_rows_are_ordered():
    """The sets of all keys would have to be merged before one is shown."""
    declared = table(max_keys=10_000)
    table_partition = TablePartition(declared)
    crowd = [(0, f"page {n:04}", n, 1) for n in range(MOST_ENTRIES + 200)]
    fold(table_partition, *crowd, *[(0, "busy", 1, 1)] * 3, *[(0, "wide", n, 1) for n in (1, 2)])
    pages = OneWorker(declared, [table_partition]).pages(order="users", limit="1000")

    [window] = windows_of(pages)
    assert [entry["key"] for entry in window["entries"][:3]] == ["wide", "busy", "page 0000"]
    assert len(window["entries"]) == MOST_ENTRIES + 202


def test_a_closed_window_is_not_read_again_while_others_change():
    """What was answered of it is kept; its version is that of before, also once it is sealed."""
    declared = table()
    table_partition = TablePartition(declared)
    fold(table_partition, (0, "a", 1, 1), (20, "a", 1, 1))

    def versions():
        marks = reader_of(table_partition).marks(TEN, (0, 30 * SECOND_MS), 10, newest=False)
        return [mark.version for mark in marks.windows]

    closed, changed = versions()
    fold(table_partition, (25, "a", 2, 1), (200, "a", 1, 1))
    table_partition.snapshot()

    assert versions()[0] == closed
    assert versions()[1] != changed


@asynccontextmanager
async def two_workers(declared, table_partitions):
    """Run two workers with a partition each, which reach one another over HTTP; yield the first."""
    second = OneWorker(declared, table_partitions, {"http://first": {TOPIC: [0]}})

    async def answer_query(request):
        return Response(body=await second.queries.answer(await request.read()), content_type=MSGPACK)

    application = Application()
    application.router.add_post(QUERY_PATH, answer_query)
    async with TestServer(application) as server, ClientSession() as session:
        first = OneWorker(declared, table_partitions, {str(server.make_url("")): {TOPIC: [1]}})
        first.faust.http_client = session
        yield first, server


@pytest.mark.parametrize("order", ["count", "bytes", "users", "most", "key"])
async def test_a_worker_asks_the_owners_of_other_partitions(order):
    """Any worker answers for all, at any moment what is counted then; what is missing is named."""
    declared = table(max_keys=2)
    table_partitions = [TablePartition(declared) for _ in range(2)]
    question = {"window": "of_10", "order": order, "merge": "false", "limit": "100"}
    async with two_workers(declared, table_partitions) as (worker, server):
        for second in range(0, 60, 7):
            fold(table_partitions[second % 2], *[(second, page, second, 2**40) for page in "abcaab"])
            answer = await worker.answer(**question)

            assert windows_of([answer]) == whole(declared, table_partitions, question)
            assert answer["partitions"] == {"answered": [0, 1], "missing": []}
        await server.close()
        torn = await worker.answer(**question)
        assert torn["partitions"] == {"answered": [0], "missing": [1]}
        assert windows_of([torn]) == whole(declared, table_partitions[:1], question)


async def test_all_who_ask_at_once_are_answered():
    """They wait for one another's work, and for nobody for ever."""
    declared = table()
    table_partitions = [TablePartition(declared) for _ in range(2)]
    for second in range(60):
        fold(table_partitions[second % 2], *[(second, page, second % 7, 1) for page in "abc"])
    worker = OneWorker(declared, table_partitions)
    asked = [
        {"window": window, "order": order, "merge": "false"}
        for window in ("of_10", "all")
        for order in ("count", "users")
    ] * 4
    answers = await asyncio.gather(*(worker.answer(**question) for question in asked))
    for question, answer in zip(asked, answers, strict=True):
        assert windows_of([answer]) == whole(declared, table_partitions, question)


async def test_who_has_an_answer_is_told_that_it_is_still_so():
    """Nothing is sent twice; a tag that is not known, or none, gets the whole."""
    tag = kept_response(make_mocked_request("GET", "/"), b"{}").headers["ETag"]
    statuses = {
        known: kept_response(make_mocked_request("GET", "/", {"If-None-Match": known}), b"{}").status
        for known in (tag, f'"x", {tag}', "*", '"x"', "")
    }
    assert list(statuses.values()) == [304, 304, 304, 200, 200]
    assert kept_response(make_mocked_request("GET", "/", {"If-None-Match": tag}), b"[]").status == 200
