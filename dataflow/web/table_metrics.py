"""Table metrics: numbers of chosen tables over the whole cluster, for Prometheus to alarm on."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from aiohttp.web import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dataflow.access.identity import AccessRole
from dataflow.app import Dataflow, app
from dataflow.engine.query import ReadEventCounts
from dataflow.engine.tables import OTHER, Window, WindowedTable
from dataflow.engine.tables.table import COUNT
from dataflow.errors import Misconfigured, one_of
from dataflow.metrics import GROUPS, measured
from dataflow.web.keyed_sums import ClusterSums, KeyedSums
from dataflow.web.route import Content, Routes

routes = Routes("Workers")

ERRORS = "errors"
"""The sum of failed requests, in tables that have one."""

LONGEST_KEY = 200

LISTED = GROUPS["Counts of tables and streams"]


class ChosenTable(NamedTuple):
    """A table of `DATAFLOW_METRICS_TABLES`, and the size of its window; None: only all time."""

    table: WindowedTable
    window: Window | None


class Samples(Collector):
    """Values by metric and labels; keys that are alike once they are cut are added up."""

    def __init__(self) -> None:
        self._values = defaultdict[str, defaultdict[tuple[str, ...], float]](lambda: defaultdict(float))

    def add(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Add a value."""
        cut = (label.encode(errors="replace").decode()[:LONGEST_KEY] for label in labels)
        self._values[name][tuple(cut)] += value

    def collect(self) -> Iterable[Metric]:
        """Return all families that are declared, also those without a value."""
        return [measured(name, self._values[name]) for name in LISTED]


@routes(
    "get",
    "/metrics/tables",
    AccessRole.METRICS,
    description="DATAFLOW_METRICS_TABLES names the tables. Any worker answers for the whole cluster.",
    answer=Content("text/plain", {"type": "string"}),
)
async def table_metrics() -> Response:
    """Numbers of selected tables, for Prometheus."""
    samples = Samples()
    await _add_streams(samples)
    for chosen in chosen_tables(app, app.settings.metrics_tables):
        await _add_table(samples, chosen, app.settings.metrics_table_keys)
    registry = CollectorRegistry()
    registry.register(samples)
    return Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def check_chosen(app: Dataflow, names: Collection[str]) -> None:
    """Raise `Misconfigured` for a table or window that there is not."""
    for _ in chosen_tables(app, names):
        pass


def chosen_tables(app: Dataflow, names: Collection[str]) -> Iterator[ChosenTable]:
    """Yield the tables of these names, each with the size of its window; raise `Misconfigured`."""
    tables = {table.name: table for table in app.topology.tables}
    for wanted in names:
        name, _, size = wanted.partition(":")
        table = tables.get(name)
        if table is None:
            raise Misconfigured(f"DATAFLOW_METRICS_TABLES names {name!r}; expected {one_of(sorted(tables))}")
        closing = {} if table.lateness_ms is None else {window.name: window for window in table.windows}
        if size and size not in closing:
            expected = one_of(closing) if closing else "no window, as its windows never close"
            raise Misconfigured(f"DATAFLOW_METRICS_TABLES has {wanted!r}; expected {expected} behind {name}:")
        yield ChosenTable(table, closing[size] if size else next(iter(closing.values()), None))


async def _add_streams(samples: Samples) -> None:
    """Add where the events of each stream ended; a stream of which partitions are missing has a gap."""
    for topic, result in (await app.queries.query(sorted(app.topology.sources), ReadEventCounts())).items():
        if not result.missing:
            for counts in result.by_partition.values():
                samples.add("dataflow_stream_events_total", (topic, "received"), counts.received)
                samples.add("dataflow_stream_events_total", (topic, "sent"), counts.sent)
                samples.add("dataflow_stream_events_total", (topic, "dropped"), counts.dropped.total())
                dead = counts.dead_lettered.total()
                samples.add("dataflow_stream_events_total", (topic, "dead_lettered"), dead)


async def _add_table(samples: Samples, chosen: ChosenTable, most: int) -> None:
    table, window = chosen
    sums = ClusterSums(app.queries.query, app.topology.sources_of(table), table)
    closed = None if window is None else await sums.last_closed(window)
    if window is not None and closed is not None:
        _add_window(samples, (table.name, window.name), closed, most)
    every = await sums.all_time() if table.all_time else None
    samples.add("dataflow_table_answers", (table.name,), every is not None)
    if every is not None:
        _add_all_time(samples, table.name, every, every.top(most) | (closed.top(most) if closed else set()))


def _add_window(samples: Samples, place: tuple[str, str], closed: KeyedSums, most: int) -> None:
    samples.add("dataflow_table_window_end_timestamp_seconds", place, closed.end_ms / 1000)
    for key in (*closed.top(most), OTHER):
        rows = closed.rows[key]
        samples.add("dataflow_table_window_rows", (*place, key), rows)
        for name, sums in closed.by_aggregation.items():
            if name != COUNT:
                samples.add("dataflow_table_window_sum", (*place, name, key), sums[key])
            if name == ERRORS and rows:
                samples.add("dataflow_table_window_error_ratio", (*place, key), sums[key] / rows)


def _add_all_time(samples: Samples, name: str, every: KeyedSums, keys: Collection[str]) -> None:
    total = every.rows.total()
    samples.add("dataflow_table_other_ratio", (name,), every.rows[OTHER] / total if total else 0)
    for aggregation, sums in every.by_aggregation.items():
        samples.add("dataflow_table_total", (name, aggregation), sums.total())
        for key in keys:
            samples.add("dataflow_table_key_total", (name, aggregation, key), sums[key])
