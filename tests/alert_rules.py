"""Alert rules: those under deploy/prometheus, and the series that an expression asks for."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from dataflow.metrics import METRICS, MetricType

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "deploy" / "prometheus"
OF_TARGETS = {"instance", "job", "le"}
"""Labels that Prometheus adds, and that of histograms."""

SELECTOR = re.compile(r"\b(dataflow_\w+|[a-z_]+:[a-z_:0-9]+)\b(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


class AlertRule(msgspec.Struct):
    """An alert, or a recorded series."""

    expr: str
    alert: str = ""
    record: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class RuleGroup(msgspec.Struct):
    """Rules that are evaluated together."""

    name: str
    rules: list[AlertRule]


class RuleFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file of rules."""

    groups: list[RuleGroup]


def rule_files() -> list[Path]:
    """Return all files of rules."""
    return sorted(PROMETHEUS.glob("*-alerts.yml"))


def rules_of(path: Path) -> list[AlertRule]:
    """Return the rules of a file in their order."""
    file = msgspec.yaml.decode(path.read_bytes(), type=RuleFile)
    return [rule for group in file.groups for rule in group.rules]


def series() -> dict[str, set[str]]:
    """Return the labels of every series that a worker has, by its name."""
    names: dict[str, set[str]] = {}
    for name, metric in METRICS.items():
        suffixes = ("_bucket", "_sum", "_count") if metric.type is MetricType.HISTOGRAM else ("",)
        names |= {name + suffix: {*metric.labels} for suffix in suffixes}
    return names


def unknown(expr: str, recorded: Collection[str] = ()) -> Iterator[str]:
    """Yield what an expression asks for that no worker has: series, and labels of series."""
    known = series()
    for name, selector in SELECTOR.findall(expr):
        if name in recorded:
            continue
        if name not in known:
            yield name
        else:
            yield from (
                f"{name}{{{label}}}"
                for label in LABEL.findall(re.sub(r'"[^"]*"', "", selector))
                if label not in known[name] | OF_TARGETS
            )
