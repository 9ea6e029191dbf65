"""Settings of the delivery: what is handed out at once, and when it is committed."""

from enum import StrEnum

from pydantic import BaseModel, Field

from dataflow.engine.options import Delivery


class Compression(StrEnum):
    """How record batches are packed on their way to the broker."""

    NONE = "none"
    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"


class DeliverySettings(BaseModel):
    """How events get from topic to topic."""

    delivery: Delivery = Field(default=Delivery.EXACTLY_ONCE, description="what a crash may do to an event")
    checkpoint_ms: int = Field(
        default=100, ge=10, le=60_000, description="longest time between two checkpoints"
    )
    checkpoint_records: int = Field(
        default=100_000,
        ge=1,
        le=10_000_000,
        description="a checkpoint is begun early after so many records",
    )
    batch_records: int = Field(
        default=2_000, ge=1, le=100_000, description="most records an agent gets at once"
    )
    in_flight_bytes: int = Field(
        default=32 * 2**20,
        ge=2**20,
        le=4 * 2**30,
        description="most bytes handed out and not yet committed, over all partitions",
    )
    compression: Compression = Field(default=Compression.NONE, description="how output is packed")
    session_timeout_ms: int = Field(
        default=10_000,
        ge=1_000,
        le=1_800_000,
        description="a worker silent for so long loses its partitions",
    )
    shutdown_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3_600,
        description="after SIGTERM, work in hand is finished within this time",
    )
