"""Answers: the status of a sink as HTTP and the command line show it, in JSON."""

from datetime import UTC, datetime

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
        "last_error_at": _instant(status.last_error_at_ms),
        "retrying_since": _instant(status.retrying_since_ms),
    }


def _instant(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
