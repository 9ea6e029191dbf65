"""Parcels: a made-up stream, declared as one of ours is."""

import faust

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable, kept_for
from dataflow.engine.event_time import EventTime
from dataflow.stages.event_time import iso_ms


class Parcel(faust.Record, include_metadata=False):
    """A scan of a parcel."""

    number: str
    """Number of the parcel, the carrier's own."""
    depot: str | None = None
    """Where it was scanned."""
    weight_kg: float | None = None
    """Weight, kg."""
    pieces: int | None = None
    """How many belong together."""
    is_insured: bool | None = None
    """Whether its loss is paid for."""
    scanned_at: str | None = None
    """Event time, ISO 8601."""


_SCANNED = EventTime("scanned_at", iso_ms)

PARCELS = DeclaredTopic("parcels", "scans of parcels", Parcel, _SCANNED)

PARCELS_INSURED = DeclaredTopic(
    "parcels-insured",
    "scans of insured parcels",
    Parcel,
    _SCANNED,
    configs=kept_for(2),
    partitions=3,
    table=PostgresTable("parcels", renamed={"number": "parcel_number"}),
    index_types={"pieces": "short"},
    is_csv=True,
)

STREAM = Stream(
    "parcels",
    PARCELS,
    (PARCELS_INSURED,),
    columns=frozenset({"number", "depot", "is_insured", "scanned_at"}),
    ingest_number=4,
    generator=GeneratorKind("parcels", "access_logs:AccessLogs"),
)
