"""Answers: what HTTP and the command line say of the status of a sink; instants in ISO 8601 UTC."""

from typing import Annotated

import msgspec
from msgspec import Meta


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
