"""Prometheus metrics of sinks."""

from prometheus_client import Counter, Gauge

STORED = Counter(
    "dataflow_sink_stored_records", "Records a sink has stored; a repeated write counts again.", ["sink"]
)
REJECTED = Counter(
    "dataflow_sink_rejected_records", "Records a sink has rejected; they are dead letters.", ["sink"]
)
WRITING = Counter("dataflow_sink_writing_seconds", "Time spent in the writes of a sink.", ["sink"])
FAILED = Counter(
    "dataflow_sink_failed_tries", "Writes that failed because the system was unavailable.", ["sink"]
)
LAG = Gauge(
    "dataflow_sink_lag_records",
    "Records of this worker's partitions that the sink has not consumed.",
    ["sink"],
)
SINK_LAG_SECONDS = Gauge(
    "dataflow_sink_lag_seconds", "How long the oldest of them has been in Kafka; 0 if none.", ["sink"]
)
BUFFERED = Gauge(
    "dataflow_sink_buffered_records",
    "Records a sink has consumed and will store with later ones; Kafka keeps them until then.",
    ["sink"],
)
RETRYING = Gauge(
    "dataflow_sink_retrying_seconds", "How long the outage of a sink has lasted; 0 if none.", ["sink"]
)


class SinkMetrics:
    """Counters and gauges of one sink."""

    def __init__(self, sink: str) -> None:
        self.stored = STORED.labels(sink)
        self.rejected = REJECTED.labels(sink)
        self.writing_seconds = WRITING.labels(sink)
        self.failed_tries = FAILED.labels(sink)
        self.lag = LAG.labels(sink)
        self.lag_seconds = SINK_LAG_SECONDS.labels(sink)
        self.buffered = BUFFERED.labels(sink)
        self.retrying_seconds = RETRYING.labels(sink)
