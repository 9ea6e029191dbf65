"""Settings of the delivery: batch sizes, checkpoints and guarantees."""

from enum import StrEnum

from pydantic import BaseModel, Field

from dataflow.engine.options import Delivery


class Compression(StrEnum):
    """Compression of record batches for the broker."""

    NONE = "none"
    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"

    @property
    def codec(self) -> str | None:
        """What aiokafka calls it; None for none."""
        return None if self is Compression.NONE else self.value


class DeliverySettings(BaseModel):
    """How events are read, committed and written."""

    delivery: Delivery = Field(default=Delivery.EXACTLY_ONCE, description="delivery guarantee")
    checkpoint_ms: int = Field(
        default=100, ge=10, le=60_000, description="longest time between two checkpoints"
    )
    checkpoint_records: int = Field(
        default=100_000, ge=1, le=10_000_000, description="a checkpoint starts early after so many records"
    )
    batch_records: int = Field(default=2_000, ge=1, le=100_000, description="most records of one batch")
    in_flight_bytes: int = Field(
        default=32 * 2**20,
        ge=2**20,
        le=4 * 2**30,
        description="most uncommitted bytes in memory, over all partitions",
    )
    compression: Compression = Field(default=Compression.NONE, description="compression of outputs")
    session_timeout_ms: int = Field(
        default=10_000,
        ge=1_000,
        le=1_800_000,
        description="a worker without heartbeats for so long loses its partitions",
    )
    shutdown_seconds: float = Field(
        default=10.0, gt=0, le=3_600, description="time to finish batches in progress after SIGTERM"
    )
