"""Settings of the sinks: where results are stored."""

from enum import StrEnum

from pydantic import BaseModel, Field, FilePath, SecretStr

from dataflow.settings.values import AbsolutePath, Database, Names, WebAddress


class ArchiveHour(StrEnum):
    """Which hour of a record selects its object in S3."""

    EVENT = "event"
    ARRIVAL = "arrival"


class ArchiveFormat(StrEnum):
    """Format of objects in S3."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class SinkSettings(BaseModel):
    """Where results are stored. A sink without an address is disabled."""

    sink_batch_records: int = Field(
        default=10_000, ge=1, le=1_000_000, description="most records of one batch for a sink"
    )
    sink_linger_ms: int = Field(
        default=200, ge=0, le=60_000, description="how long a batch that is not full waits for more records"
    )
    postgres_url: Database | None = Field(
        default=None, description="PostgreSQL, postgresql://user:password@host/database; unset: disabled"
    )
    postgres_retention_days: int | None = Field(
        default=None, ge=1, le=100_000, description="days to keep in PostgreSQL; unset: all"
    )
    csv_dir: AbsolutePath | None = Field(default=None, description="folder of the CSV files; unset: disabled")
    csv_rotate_bytes: int = Field(
        default=128 * 2**20, ge=1024, le=2**40, description="largest size of a CSV file"
    )
    csv_rotate_hours: int = Field(
        default=24, ge=1, le=8_784, description="a CSV file has the events of so many hours"
    )

    s3_bucket: str | None = Field(
        default=None, description="bucket of the S3 sink, created if missing; unset: disabled"
    )
    s3_endpoint: WebAddress | None = Field(
        default=None, description="S3-compatible server, http(s)://host:port; unset: Amazon S3"
    )
    s3_region: str | None = Field(default=None, description="region of the bucket; unset: default of the SDK")
    s3_access_key: str | None = Field(
        default=None, description="S3 access key; unset: found by the SDK (profile, role of the machine)"
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="S3 secret key")
    s3_prefix: str = Field(default="logs", description="prefix of all keys in the bucket")
    s3_topics: Names = Field(
        default=("cdn-logs-filtered", "access-logs-parsed"),
        description="topics that the S3 sink stores, separated by commas",
    )
    s3_hour: ArchiveHour = Field(
        default=ArchiveHour.EVENT, description="objects by the hour of the event or of its arrival"
    )
    s3_format: ArchiveFormat = Field(
        default=ArchiveFormat.NDJSON, description="format of objects; parquet needs the extra of that name"
    )
    s3_object_records: int = Field(
        default=100_000,
        ge=1_000,
        le=100_000_000,
        description="a new object begins at each multiple of so many offsets",
    )
    s3_object_bytes: int = Field(
        default=256 * 2**20, ge=2**20, le=64 * 2**30, description="largest buffer on disk for one partition"
    )
    s3_flush_seconds: float = Field(
        default=300.0, gt=0, le=86_400, description="how often an incomplete object is put"
    )
    opensearch_url: WebAddress | None = Field(
        default=None, description="OpenSearch or Elasticsearch, http(s)://host:port; unset: disabled"
    )
    opensearch_username: str | None = Field(default=None, description="OpenSearch user")
    opensearch_password: SecretStr | None = Field(default=None, description="OpenSearch password")
    opensearch_ca_file: FilePath | None = Field(
        default=None, description="CA certificates of OpenSearch (PEM); unset: those of the system"
    )
    opensearch_indices: Names = Field(
        default=("enriched-web-events=web-events",),
        description="topic=prefix[,...]: topics to index, each day in PREFIX-YYYY.MM.DD",
    )
