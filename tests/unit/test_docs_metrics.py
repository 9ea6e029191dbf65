"""Metrics: the page has them all, and the code has no other."""

import re

from alert_rules import ROOT

from dataflow.metrics import METRICS, MetricType, page

SOURCES = [path for room in ("dataflow", "agents", "tables") for path in (ROOT / room).rglob("*.py")]


def test_the_page_is_made_of_the_list():
    """Else it would say what was so once; `python -m dataflow.metrics > docs/metrics.md` writes it."""
    assert (ROOT / "docs" / "metrics.md").read_text() == page()


def test_every_metric_has_unit_meaning_and_remedy():
    """Who looks at a number at night knows none of them by heart."""
    for name, metric in METRICS.items():
        for text in (metric.unit, metric.meaning, metric.remedy):
            assert text.strip(), name
        assert metric.meaning[-1] + metric.remedy[-1] == "..", name
        assert "|" not in metric.meaning + metric.remedy, f"{name}: it would end a cell of the page"


def test_names_say_what_is_counted_as_prometheus_asks():
    """Counters end with _total, and nothing else does; a histogram has buckets, and nothing else has."""
    for name, metric in METRICS.items():
        assert re.fullmatch(r"dataflow_[a-z0-9_]+", name)
        assert name.endswith("_total") is (metric.type is MetricType.COUNTER), name
        assert bool(metric.buckets) is (metric.type is MetricType.HISTOGRAM), name
        for unit in ("bytes", "seconds"):
            assert metric.unit.startswith(unit) is (unit in name.removesuffix("_total")[-25:].split("_")), (
                name
            )


def test_the_code_makes_every_metric_of_the_list():
    """A metric that nothing sets any more is one on which an alert sleeps."""
    texts = "\n".join(path.read_text() for path in SOURCES)
    made = texts.replace("{outcome}", "accepted") + texts.replace("{outcome}", "dead_lettered")
    assert not [name for name in METRICS if f'"{name}"' not in made]
