"""Prometheus metrics of sinks."""

from collections.abc import Collection, Iterable
from typing import Protocol

from prometheus_client import Counter, Gauge

from dataflow.sinks.runner_note import SinkNote

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


class Measured(Protocol):
    """A partition of a sink; see `SinkPartition`."""

    committed_offset: int
    consumed: int
    oldest_ms: int | None
    note: SinkNote


class SinkMetrics:
    """The counters of one sink."""

    def __init__(self, sink: str) -> None:
        self.stored = STORED.labels(sink)
        self.rejected = REJECTED.labels(sink)
        self.writing_seconds = WRITING.labels(sink)
        self.failed_tries = FAILED.labels(sink)
        self.lag = LAG.labels(sink)
        self._lag_seconds = SINK_LAG_SECONDS.labels(sink)
        self._buffered = BUFFERED.labels(sink)
        self._retrying_seconds = RETRYING.labels(sink)

    def measure(self, partitions: Collection[Measured], now: float) -> None:
        """Set the gauges from the partitions; `now` in seconds since 1970 UTC."""
        self._buffered.set(sum(one.consumed - one.committed_offset for one in partitions))
        self._lag_seconds.set(_seconds_since((one.oldest_ms for one in partitions), now))
        self._retrying_seconds.set(_seconds_since((one.note.retrying_since_ms for one in partitions), now))


def _seconds_since(instants_ms: Iterable[int | None], now: float) -> float:
    """Return the seconds since the first of the instants, at least 0 (clocks differ); 0 for none."""
    first = min((at_ms for at_ms in instants_ms if at_ms is not None), default=None)
    return 0.0 if first is None else max(now - first / 1000, 0.0)
