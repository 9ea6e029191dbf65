"""Settings of the sinks: where results are stored."""

from enum import StrEnum

from pydantic import BaseModel, FilePath, SecretStr

from dataflow.settings.values import (
    AbsolutePath,
    Database,
    Names,
    WebAddress,
    WebAddressWithoutLogin,
    setting,
)


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

    sink_batch_records: int = setting(10_000, "most records of one batch for a sink", ge=1, le=1_000_000)
    sink_linger_ms: int = setting(
        200, "how long a batch that is not full waits for more records", ge=0, le=60_000
    )
    postgres_url: Database | None = setting(
        None, "PostgreSQL, postgresql://user:password@host/database; unset: disabled"
    )
    postgres_retention_days: int | None = setting(
        None, "days to keep in PostgreSQL; unset: all", ge=1, le=100_000
    )
    csv_dir: AbsolutePath | None = setting(None, "folder of the CSV files; unset: disabled")
    csv_rotate_bytes: int = setting(128 * 2**20, "largest size of a CSV file", ge=1024, le=2**40)
    csv_rotate_hours: int = setting(24, "a CSV file has the events of so many hours", ge=1, le=8_784)

    s3_bucket: str | None = setting(None, "bucket of the S3 sink, created if missing; unset: disabled")
    s3_endpoint: WebAddressWithoutLogin | None = setting(
        None, "S3-compatible server, http(s)://host:port; unset: Amazon S3"
    )
    s3_region: str | None = setting(None, "region of the bucket; unset: default of the SDK")
    s3_access_key: str | None = setting(
        None, "S3 access key; unset: found by the SDK (profile, role of the machine)"
    )
    s3_secret_key: SecretStr | None = setting(None, "S3 secret key")
    s3_prefix: str = setting("logs", "prefix of all keys in the bucket")
    s3_topics: Names = setting(
        ("cdn-logs-filtered", "access-logs-parsed"), "topics that the S3 sink stores, separated by commas"
    )
    s3_hour: ArchiveHour = setting(ArchiveHour.EVENT, "objects by the hour of the event or of its arrival")
    s3_format: ArchiveFormat = setting(
        ArchiveFormat.NDJSON, "format of objects; parquet needs the extra of that name"
    )
    s3_object_records: int = setting(
        100_000, "a new object begins at each multiple of so many offsets", ge=1_000, le=100_000_000
    )
    s3_object_bytes: int = setting(
        256 * 2**20, "largest buffer on disk for one partition", ge=2**20, le=64 * 2**30
    )
    s3_flush_seconds: float = setting(300.0, "how often an incomplete object is put", gt=0, le=86_400)
    opensearch_url: WebAddress | None = setting(
        None, "OpenSearch or Elasticsearch, http(s)://host:port; unset: disabled"
    )
    opensearch_username: str | None = setting(None, "OpenSearch user")
    opensearch_password: SecretStr | None = setting(None, "OpenSearch password")
    opensearch_ca_file: FilePath | None = setting(
        None, "CA certificates of OpenSearch (PEM); unset: those of the system"
    )
    opensearch_indices: Names = setting(
        ("enriched-web-events=web-events",),
        "topic=prefix[,...]: topics to index, each day in PREFIX-YYYY.MM.DD",
    )
