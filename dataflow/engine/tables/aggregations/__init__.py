"""Aggregations: small mergeable states of the values of one column."""

from dataflow.engine.tables.aggregations.base import Aggregation
from dataflow.engine.tables.aggregations.distinct import Distinct
from dataflow.engine.tables.aggregations.extremes import Max, Min
from dataflow.engine.tables.aggregations.quantiles import Quantiles
from dataflow.engine.tables.aggregations.top_k import TopK
from dataflow.engine.tables.aggregations.totals import Count, Sum

__all__ = ["Aggregation", "Count", "Distinct", "Max", "Min", "Quantiles", "Sum", "TopK"]
