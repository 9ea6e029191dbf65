"""Settings of the sinks: where results are stored."""

from enum import StrEnum

from pydantic import BaseModel, Field, FilePath, SecretStr

from dataflow.settings.values import AbsolutePath, Database, Names, WebAddress


class ArchiveHour(StrEnum):
    """By which hour the S3 sink sorts records into objects."""

    EVENT = "event"
    ARRIVAL = "arrival"


class ArchiveFormat(StrEnum):
    """What the objects of the S3 sink are."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class SinkSettings(BaseModel):
    """Where results are stored. A sink without its address is not there."""

    sink_batch_records: int = Field(
        default=10_000, ge=1, le=1_000_000, description="most records a sink is given at once"
    )
    sink_linger_ms: int = Field(
        default=200, ge=0, le=60_000, description="a sink's batch that is not full waits so long for more"
    )
    postgres_url: Database | None = Field(
        default=None, description="PostgreSQL, postgresql://user:password@host/database; unset: no such sink"
    )
    postgres_retention_days: int | None = Field(
        default=None, ge=1, le=100_000, description="older days are dropped from PostgreSQL; unset: never"
    )
    csv_dir: AbsolutePath | None = Field(
        default=None, description="folder of the CSV files of analytics events; unset: no such sink"
    )
    csv_rotate_bytes: int = Field(
        default=128 * 2**20, ge=1024, le=2**40, description="a CSV file is no larger"
    )
    csv_rotate_hours: int = Field(
        default=24, ge=1, le=8_784, description="a CSV file has the events that came within so many hours"
    )

    s3_bucket: str | None = Field(
        default=None, description="bucket of the S3 sink, made if it is missing; unset: no such sink"
    )
    s3_endpoint: WebAddress | None = Field(
        default=None, description="S3-compatible server, http(s)://host:port; unset: Amazon S3"
    )
    s3_region: str | None = Field(default=None, description="region of the bucket; unset: the SDK's own")
    s3_access_key: str | None = Field(
        default=None, description="S3 access key; unset: as the SDK finds one (profile, role of the machine)"
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="S3 secret key")
    s3_prefix: str = Field(default="logs", description="keys in the bucket begin with this")
    s3_topics: Names = Field(
        default=("cdn-logs-filtered", "access-logs-parsed"),
        description="topics that the S3 sink stores, comma between them",
    )
    s3_hour: ArchiveHour = Field(
        default=ArchiveHour.EVENT, description="objects by the hour of the event, or of its arrival"
    )
    s3_format: ArchiveFormat = Field(
        default=ArchiveFormat.NDJSON, description="what objects are; parquet needs the extra of that name"
    )
    s3_object_records: int = Field(
        default=100_000,
        ge=1_000,
        le=100_000_000,
        description="new objects at each multiple of so many offsets",
    )
    s3_object_bytes: int = Field(
        default=256 * 2**20,
        ge=2**20,
        le=64 * 2**30,
        description="what waits for S3 on disk, of one partition",
    )
    s3_flush_seconds: float = Field(
        default=300.0, gt=0, le=86_400, description="an object that still grows is put this often"
    )
    opensearch_url: WebAddress | None = Field(
        default=None,
        description="OpenSearch or Elasticsearch, http(s)://host:port; unset: no such sink",
    )
    opensearch_username: str | None = Field(default=None, description="OpenSearch user")
    opensearch_password: SecretStr | None = Field(default=None, description="OpenSearch password")
    opensearch_ca_file: FilePath | None = Field(
        default=None,
        description="certificates that OpenSearch's must descend from (PEM); unset: the system's",
    )
    opensearch_indices: Names = Field(
        default=("enriched-web-events=web-events",),
        description="topic=prefix[,...]: what is indexed, a day in PREFIX-YYYY.MM.DD",
    )
