"""Answers: the status of a sink as HTTP and the command line show it, in JSON."""

from dataflow.instants import iso_or_none
from dataflow.sinks.status import SinkStatus


def as_answer(status: SinkStatus) -> dict[str, object]:
    """Return a status as people and programs read it: instants in ISO 8601 UTC."""
    return {
        "name": status.name,
        "topics": status.topics,
        "workers": status.workers,
        "lag": {"records": status.lag_records, "seconds": status.lag_seconds},
        "buffered": {"records": status.buffered_records},
        "records_per_second": status.records_per_second,
        "last_error": status.last_error,
        "last_error_at": iso_or_none(status.last_error_at_ms),
        "retrying_since": iso_or_none(status.retrying_since_ms),
    }
