"""Prometheus metrics of sinks."""

from dataflow import metrics

STORED = metrics.counter("dataflow_sink_stored_records_total")
REJECTED = metrics.counter("dataflow_sink_rejected_records_total")
WRITING = metrics.counter("dataflow_sink_writing_seconds_total")
FAILED = metrics.counter("dataflow_sink_failed_tries_total")
LAG = metrics.gauge("dataflow_sink_lag_records")
SINK_LAG_SECONDS = metrics.gauge("dataflow_sink_lag_seconds")
BUFFERED = metrics.gauge("dataflow_sink_buffered_records")
RETRYING = metrics.gauge("dataflow_sink_retrying_seconds")


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
