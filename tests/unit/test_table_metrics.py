"""Table metrics: which tables are chosen, and what is left out rather than shown wrong."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from dataflow.app import app
from dataflow.engine.query import ReadMarks, ReadTotals
from dataflow.engine.query_result import QueryResult
from dataflow.engine.tables import HOUR, MINUTE, OTHER, Sum, Totals, WindowedTable
from dataflow.engine.tables.answer import WindowMarks
from dataflow.errors import Misconfigured
from dataflow.web.keyed_sums import ClusterSums, KeyedSums
from dataflow.web.table_metrics import LONGEST_KEY, Samples, chosen_tables

TABLE = WindowedTable("requests", key="path", windows=(MINUTE, HOUR), lateness_ms=0, errors=Sum("is_error"))
HOUR_MS = HOUR.size_ms


@pytest.fixture(autouse=True, scope="module")
def _declared() -> None:
    for path in (Path(__file__).parents[2] / "tables").glob("*.py"):
        import_module(f"tables.{path.stem}")


def marks(watermark: int, newest: int) -> WindowMarks:
    """Return how far a partition is."""
    return WindowMarks([], watermark, newest, 0, 0, 0)


def totals(rows: dict, errors: dict) -> Totals:
    """Return what a partition has counted."""
    return Totals(len(rows), [rows, errors], 0, -1)


class Owners:
    """Owners of the partitions of one topic; keeps what they were asked."""

    def __init__(self, partitions: list, *, missing: list[int] | None = None) -> None:
        self.asked: list = []
        self._partitions = partitions
        self._missing = missing or []

    async def __call__(self, topics, query):
        """Answer."""
        self.asked.append(query)
        place = 0 if isinstance(query, ReadMarks) else 1
        answers = {number: each[place] for number, each in enumerate(self._partitions)}
        return {topic: QueryResult(answers, self._missing) for topic in topics}


async def test_sums_are_those_of_all_partitions():
    """Each counts its own part; numbers beyond 64 bits come as texts."""
    owners = Owners([(None, totals({"/a": 2}, {"/a": 1})), (None, totals({"/a": "3", OTHER: 4}, {}))])
    sums = await ClusterSums(owners, ["cdn-logs"], TABLE).all_time()
    assert sums == KeyedSums({"count": Counter({"/a": 5, OTHER: 4}), "errors": Counter({"/a": 1})})
    assert sums.top(10) == {"/a"}


async def test_sums_that_lack_a_partition_are_none():
    """A counter that falls and rises again would be taken for new rows."""
    owners = Owners([(marks(10 * HOUR_MS, 11 * HOUR_MS), totals({"/a": 2}, {}))], missing=[1])
    sums = ClusterSums(owners, ["cdn-logs"], TABLE)
    assert await sums.all_time() is None
    assert await sums.last_closed(HOUR) is None


async def test_a_partition_with_too_many_entries_is_not_taken_for_an_empty_one():
    """It answers with its size only."""
    owners = Owners([(None, Totals(2_000_000, [], 0, -1)), (None, totals({"/a": 2}, {}))])
    assert await ClusterSums(owners, ["cdn-logs"], TABLE).all_time() is None


async def test_the_last_closed_window_ends_before_every_watermark():
    """Partitions that have got nothing yet hold up none."""
    parts = [
        (marks(at, newest), totals({"/a": 1}, {}))
        for at, newest in ((5 * HOUR_MS + 1, 1), (7 * HOUR_MS, 1), (-1, -1))
    ]
    owners = Owners(parts)
    sums = await ClusterSums(owners, ["cdn-logs"], TABLE).last_closed(HOUR)
    assert sums.end_ms == 5 * HOUR_MS
    assert owners.asked[1] == ReadTotals("requests", "hour", (4 * HOUR_MS, 5 * HOUR_MS), ("count", "errors"))


async def test_before_any_window_has_closed_there_is_none():
    """Nor where no event has come at all."""
    assert await ClusterSums(Owners([(marks(1, 1), None)]), ["cdn-logs"], TABLE).last_closed(HOUR) is None


def test_a_chosen_table_has_its_smallest_window_unless_one_is_named():
    """Windows that never close have no last closed one."""
    names = ["top_clients", "top_clients:hour", "stays_per_category"]
    assert [
        (chosen.table.name, chosen.window and chosen.window.name) for chosen in chosen_tables(app, names)
    ] == [
        ("top_clients", "minute"),
        ("top_clients", "hour"),
        ("stays_per_category", None),
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("nonsense", "names 'nonsense'; expected .*top_clients"),
        ("top_clients:week", "has 'top_clients:week'; expected .*minute.* behind top_clients:"),
        ("top_clients:all", "has 'top_clients:all'; expected .*minute"),
        ("stays_per_category:day", "has 'stays_per_category:day'; expected no window"),
    ],
)
def test_a_table_or_window_that_there_is_not_is_refused(wanted: str, expected: str):
    """At the start; an empty series would be found at the first outage."""
    with pytest.raises(Misconfigured, match=f"DATAFLOW_METRICS_TABLES {expected}"):
        list(chosen_tables(app, [wanted]))


def test_keys_that_are_alike_once_they_are_cut_are_one_series():
    """Prometheus refuses a page that has a series twice, with all that is on it."""
    samples = Samples()
    for end in "ab":
        samples.add("dataflow_table_key_total", ("requests", "count", "x" * LONGEST_KEY + end), 2)
    samples.add("dataflow_table_key_total", ("requests", "count", "\ud800"), 1)
    [family] = [each for each in samples.collect() if each.name == "dataflow_table_key"]
    assert {sample.labels["key"]: sample.value for sample in family.samples} == {"x" * LONGEST_KEY: 4, "?": 1}
