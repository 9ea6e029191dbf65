"""Settings of the sinks: where results are stored."""

from enum import StrEnum

from pydantic import BaseModel, FilePath, SecretStr

from dataflow.settings.values import (
    AbsolutePath,
    Database,
    Names,
    WebAddresses,
    setting,
)


class AwsService(StrEnum):
    """Services of Amazon that speak OpenSearch."""

    MANAGED = "es"
    SERVERLESS = "aoss"


class SinkSettings(BaseModel):
    """Sinks: each is disabled until it has an address."""

    sink_batch_records: int = setting(
        10_000, "largest number of records that a sink writes at once", ge=1, le=1_000_000
    )
    sink_linger_ms: int = setting(
        200, "how long a sink waits for more records before it writes", ge=0, le=60_000
    )
    postgres_url: Database | None = setting(
        None, "PostgreSQL, postgresql://user:password@host/database; unset: disabled"
    )
    postgres_retention_days: int | None = setting(
        None, "days to keep in PostgreSQL; unset: all", ge=1, le=100_000
    )
    csv_dir: AbsolutePath | None = setting(None, "folder of the CSV files; unset: disabled")
    csv_rotate_bytes: int = setting(128 * 2**20, "largest size of a CSV file", ge=1024, le=2**40)
    csv_escape_formulas: bool = setting(
        True, "true: put an apostrophe before text that a spreadsheet would run as a formula"
    )
    csv_rotate_hours: int = setting(24, "number of hours whose events go into one CSV file", ge=1, le=8_784)
    opensearch_url: WebAddresses | None = setting(
        None,
        "OpenSearch or Elasticsearch, http(s)://host:port[,...], hosts of one cluster; unset: disabled",
    )
    opensearch_username: str | None = setting(None, "OpenSearch user")
    opensearch_password: SecretStr | None = setting(None, "OpenSearch password")
    opensearch_api_key: SecretStr | None = setting(
        None, "API key instead of a user, as the server encodes it, or id:key"
    )
    opensearch_aws_region: str | None = setting(
        None, "region of Amazon OpenSearch; requests are then signed (SigV4) with the credentials of the SDK"
    )
    opensearch_aws_service: AwsService = setting(
        AwsService.MANAGED, "service of Amazon for which requests are signed"
    )
    opensearch_ca_file: FilePath | None = setting(
        None, "CA certificates of OpenSearch (PEM); unset: those of the system"
    )
    opensearch_cert_file: FilePath | None = setting(None, "certificate of this client for OpenSearch (PEM)")
    opensearch_key_file: FilePath | None = setting(None, "key of that certificate (PEM)")
    opensearch_indices: Names = setting(
        ("enriched-web-events=web-events",),
        "topic=prefix[,...]: topics to index, and how the names of their indices begin",
    )
