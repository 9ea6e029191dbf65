"""Alert rules for the Prometheus operator: run as a script, writes dataflow-alerts.yml as its resource."""
# ruff: noqa: INP001 - a script of its own

from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent
MADE = HERE.parents[1] / "k8s" / "components" / "prometheus" / "alert-rules.yaml"

HEAD = """\
# Made by deploy/prometheus/make_prometheus_rule.py of dataflow-alerts.yml: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: dataflow
spec:
"""


def prometheus_rule() -> str:
    """Return the resource: the file of rules is its specification."""
    return HEAD + indent((HERE / "dataflow-alerts.yml").read_text(), "  ")


if __name__ == "__main__":
    MADE.write_text(prometheus_rule())
