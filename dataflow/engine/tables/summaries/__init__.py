"""Summaries: the values of one column in, one small mergeable state out."""

from dataflow.engine.tables.summaries.base import Summary
from dataflow.engine.tables.summaries.distinct import Distinct
from dataflow.engine.tables.summaries.extremes import Max, Min
from dataflow.engine.tables.summaries.quantiles import Quantiles
from dataflow.engine.tables.summaries.top_k import TopK
from dataflow.engine.tables.summaries.totals import Count, Sum

__all__ = ["Count", "Distinct", "Max", "Min", "Quantiles", "Sum", "Summary", "TopK"]
