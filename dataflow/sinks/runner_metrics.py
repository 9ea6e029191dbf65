"""What sinks count for Prometheus: batches stored in, running totals by sink out."""

from prometheus_client import Counter, Gauge

STORED = Counter(
    "dataflow_sink_stored_records", "Records a sink has stored; a repetition counts again.", ["sink"]
)
REJECTED = Counter(
    "dataflow_sink_rejected_records", "Records a sink has refused; they are dead letters.", ["sink"]
)
WRITING = Counter("dataflow_sink_writing_seconds", "Time spent in the writes of a sink.", ["sink"])
FAILED = Counter("dataflow_sink_failed_tries", "Writes that failed because the system was away.", ["sink"])
BEHIND = Gauge(
    "dataflow_sink_behind_records", "Records in this worker's partitions, not yet stored.", ["sink"]
)


class SinkMetrics:
    """The counters of one sink."""

    def __init__(self, sink: str) -> None:
        self.stored = STORED.labels(sink)
        self.rejected = REJECTED.labels(sink)
        self.writing_seconds = WRITING.labels(sink)
        self.failed_tries = FAILED.labels(sink)
        self.behind = BEHIND.labels(sink)
