"""Answers: what HTTP and the command line say of the status of a sink; instants in ISO 8601 UTC."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.instants import iso_or_none
from dataflow.sinks.status import SinkStatus


class Buffered(msgspec.Struct, forbid_unknown_fields=True):
    """Records that a sink has read and will store with later ones."""

    records: int


class SinkLag(msgspec.Struct, forbid_unknown_fields=True):
    """Records that a sink has not read."""

    records: int
    seconds: Annotated[float | None, Meta(description="How long the oldest has been in Kafka")]


class SinkState(msgspec.Struct, forbid_unknown_fields=True):
    """A sink over the whole cluster."""

    name: str
    topics: list[str]
    workers: Annotated[int, Meta(description="0: nobody runs it")]
    lag: SinkLag
    buffered: Buffered
    records_per_second: float
    last_error: str | None
    last_error_at: str | None
    retrying_since: Annotated[str | None, Meta(description="null: it is not in trouble")]


def sink_state(status: SinkStatus) -> SinkState:
    """Return a status as people and programs read it."""
    return SinkState(
        name=status.name,
        topics=list(status.topics),
        workers=status.workers,
        lag=SinkLag(status.lag_records, status.lag_seconds),
        buffered=Buffered(status.buffered_records),
        records_per_second=status.records_per_second,
        last_error=status.last_error,
        last_error_at=iso_or_none(status.last_error_at_ms),
        retrying_since=iso_or_none(status.retrying_since_ms),
    )
