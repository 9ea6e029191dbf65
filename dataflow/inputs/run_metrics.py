"""Prometheus metrics of scheduled runs."""

from prometheus_client import Counter, Gauge

RUNS = Counter(
    "dataflow_ingest_runs",
    "Scheduled runs over inputs: complete, incomplete (some input could not be read), failed, or "
    "lease_held (another run was in progress). The log has the reasons.",
    ["stream", "outcome"],
)
LINES = Counter("dataflow_ingest_lines", "Lines of inputs: accepted or dead_lettered.", ["stream", "outcome"])
UNREADABLE = Counter("dataflow_ingest_unreadable_inputs", "Inputs that could not be read.", ["stream"])
LAST_COMPLETE = Gauge(
    "dataflow_ingest_last_complete_seconds", "When a run was last complete, s since 1970 UTC.", ["stream"]
)
