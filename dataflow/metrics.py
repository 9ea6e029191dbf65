"""Metrics: each is declared once, in `metrics.toml`; run as a module, it prints their page."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Labels = TypeVar("Labels", bound=str | tuple[str, ...])
"""The one label, or all in their order."""


class MetricType(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricDescription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a metric says, and what to do about it."""

    type: MetricType
    unit: str
    meaning: str
    remedy: str
    labels: list[str] = []
    buckets: list[float] = []


disable_created_metrics()  # type: ignore[no-untyped-call]  # a third of the page, which nobody reads

GROUPS: Final[Mapping[str, Mapping[str, MetricDescription]]] = msgspec.toml.decode(
    Path(__file__).with_name("metrics.toml").read_bytes(), type=dict[str, dict[str, MetricDescription]]
)
"""Of each subject the metrics by their names, as Prometheus stores them."""

METRICS: Final[Mapping[str, MetricDescription]] = {
    name: metric for metrics in GROUPS.values() for name, metric in metrics.items()
}


def counter(name: str) -> Counter:
    """Make a counter of this process; it is on `/metrics` from now on."""
    return Counter(name, METRICS[name].meaning, METRICS[name].labels)


def gauge(name: str) -> Gauge:
    """Make a gauge of this process."""
    return Gauge(name, METRICS[name].meaning, METRICS[name].labels)


def histogram(name: str) -> Histogram:
    """Make a histogram of this process."""
    metric = METRICS[name]
    return Histogram(name, metric.meaning, metric.labels, buckets=metric.buckets)


def measured(name: str, counts: float | Mapping[Labels, float]) -> CounterMetricFamily | GaugeMetricFamily:
    """Return a counter or gauge of which a collector knows the value, or the values by labels."""
    metric = METRICS[name]
    family_type = CounterMetricFamily if metric.type is MetricType.COUNTER else GaugeMetricFamily
    family = family_type(name, metric.meaning, labels=metric.labels)
    for labels, value in counts.items() if isinstance(counts, Mapping) else [((), counts)]:
        family.add_metric([labels] if isinstance(labels, str) else labels, value)
    return family


def page() -> str:
    """Return `docs/metrics.md`."""
    parts = [HEAD]
    for subject, metrics in GROUPS.items():
        parts.append(f"\n## {subject}\n\n{TABLE_HEAD}")
        for name, metric in metrics.items():
            labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
            columns = (f"`{name}{labels}`", metric.type, metric.unit, metric.meaning, metric.remedy)
            parts.append(f"| {' | '.join(columns)} |\n")
    return "".join(parts)


HEAD = """\
# Metrics

`GET /metrics` of each worker has them in Prometheus' text format, for whoever has the role `metrics`. A
series of a partition moves to another worker with its partition. No label holds what a sender has sent. The
alerts on them, and what to do then, are in [operations.md](operations.md#alerts).

This page is made from `dataflow/metrics.toml`, where every metric is declared:
`python -m dataflow.metrics > docs/metrics.md`.
"""

TABLE_HEAD = "| metric | type | unit | meaning | what to do |\n|---|---|---|---|---|\n"

if __name__ == "__main__":
    sys.stdout.write(page())
