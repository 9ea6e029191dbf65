"""Windowed tables: rows of events in, summaries per key and event-time window out; pure."""

from dataflow.engine.tables.answer import Part, Totals
from dataflow.engine.tables.labels import NONE, OTHER
from dataflow.engine.tables.merge import merge_cells, orders
from dataflow.engine.tables.progress import Progress
from dataflow.engine.tables.rows import FUTURE, UNDATED, Rows
from dataflow.engine.tables.shard import Shard
from dataflow.engine.tables.summaries import Count, Distinct, Max, Min, Quantiles, Sum, Summary, TopK
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.windows import ALL, DAY, HOUR, MINUTE, Window

__all__ = [
    "ALL",
    "DAY",
    "FUTURE",
    "HOUR",
    "MINUTE",
    "NONE",
    "OTHER",
    "UNDATED",
    "Count",
    "Distinct",
    "Max",
    "Min",
    "Part",
    "Progress",
    "Quantiles",
    "Rows",
    "Shard",
    "Sum",
    "Summary",
    "TopK",
    "Totals",
    "Window",
    "WindowedTable",
    "merge_cells",
    "orders",
]
