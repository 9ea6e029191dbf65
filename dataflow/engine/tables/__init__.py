"""Windowed tables: aggregations of events per key and event-time window; pure."""

from dataflow.engine.tables.aggregations import Aggregation, Count, Distinct, Max, Min, Quantiles, Sum, TopK
from dataflow.engine.tables.answer import Totals
from dataflow.engine.tables.event_time_state import EventTimeState
from dataflow.engine.tables.labels import NONE, OTHER
from dataflow.engine.tables.merging import orders
from dataflow.engine.tables.rows import FUTURE, UNDATED, Rows
from dataflow.engine.tables.table import PartedKey, WindowedTable
from dataflow.engine.tables.table_partition import TablePartition
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
    "Aggregation",
    "Count",
    "Distinct",
    "EventTimeState",
    "Max",
    "Min",
    "PartedKey",
    "Quantiles",
    "Rows",
    "Sum",
    "TablePartition",
    "TopK",
    "Totals",
    "Window",
    "WindowedTable",
    "orders",
]  # fmt: skip
