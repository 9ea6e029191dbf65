"""Settings: `DATAFLOW_*` environment variables in, one frozen and checked `Settings` out."""

import os
import socket
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dataflow.engine.options import Delivery
from dataflow.errors import Misconfigured
from dataflow.settings_faults import (
    contradictions,
    describe_fault,
    known_brokers,
    split_names,
    unknown_names,
)

PREFIX = "DATAFLOW_"


class Role(StrEnum):
    """Which part of the work this worker takes."""

    ALL = "all"
    ENRICH = "enrich"
    INGEST = "ingest"
    SINK_POSTGRES = "sink-postgres"
    SINK_CSV = "sink-csv"
    SINK_S3 = "sink-s3"
    SINK_OPENSEARCH = "sink-opensearch"


class Compression(StrEnum):
    """How record batches are packed on their way to the broker."""

    NONE = "none"
    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"


class ArchiveHour(StrEnum):
    """By which hour the S3 sink sorts records into objects."""

    EVENT = "event"
    ARRIVAL = "arrival"


class ArchiveFormat(StrEnum):
    """What the objects of the S3 sink are."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class Security(StrEnum):
    """How the broker is spoken to."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How user and password are shown to the broker."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _reachable_host(validated: dict[str, object]) -> str:
    bound = str(validated["web_host"])
    return socket.gethostname() if bound in ("0.0.0.0", "::") else bound  # noqa: S104  # compared, not bound


Brokers = Annotated[str, BeforeValidator(known_brokers)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names)]


class Settings(BaseSettings):
    """All that can be set, each by the variable `DATAFLOW_` + its name in capitals.

    An empty variable counts as unset. `.env` files are not read: what runs is
    what the environment says.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    broker: Brokers | None = Field(
        default=None, description="Kafka, host:port[,...]; unset: the embedded broker"
    )
    broker_security: Security = Field(default=Security.PLAINTEXT, description="how the broker is spoken to")
    broker_sasl_mechanism: SaslMechanism = Field(
        default=SaslMechanism.SCRAM_SHA_512, description="SASL mechanism"
    )
    broker_username: str | None = Field(default=None, description="SASL user")
    broker_password: SecretStr | None = Field(default=None, description="SASL password")
    broker_ca_file: FilePath | None = Field(
        default=None,
        description="certificates that the broker's must descend from (PEM); unset: the system's",
    )
    broker_cert_file: FilePath | None = Field(
        default=None, description="own certificate, for mutual TLS (PEM)"
    )
    broker_key_file: FilePath | None = Field(default=None, description="key of the own certificate (PEM)")

    # Beside the work, as with git: two clones never share a broker, and deleting it forgets all.
    data_dir: AbsolutePath = Field(
        default=Path(".dataflow"),
        validate_default=True,
        description="all that is kept: embedded broker, worker files",
    )
    cache_dir: AbsolutePath = Field(
        default_factory=_default_cache_dir,
        description="what can be fetched again: the broker's jars",
    )

    app_id: str = Field(
        default="dataflow",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$",
        description="name of the consumer group; the changelogs begin with it",
    )
    instance_id: str | None = Field(
        default=None,
        description="static membership: this worker's name, kept over restarts; unset: none",
    )
    role: Role = Field(default=Role.ALL, description="which part of the work this worker takes")
    partitions: int = Field(default=4, ge=1, le=1000, description="partitions of a topic that has to be made")

    web_host: str = Field(default="127.0.0.1", description="address the web server listens on; 0.0.0.0: all")
    web_port: int = Field(default=6066, ge=1, le=65535, description="port of the web server")
    advertised_host: str = Field(
        default_factory=_reachable_host,
        description="host name by which other workers reach this one",
    )
    query_deadline_ms: int = Field(
        default=2_000,
        ge=10,
        le=60_000,
        description="longest wait for the other workers' part of an answer",
    )

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

    dead_letter_run: int = Field(
        default=10_000, ge=1, description="the worker stops after so many dead letters in a row"
    )
    dead_letter_share: float = Field(
        default=0.5, gt=0, le=1, description="the worker stops above this share of dead letters"
    )
    dead_letter_share_of: int = Field(
        default=10_000, ge=1, description="the share is taken over this many events, never fewer"
    )

    filter_rules: FilePath | None = Field(
        default=None, description="rules of the CDN filter (JSON); unset: every line passes"
    )
    utm_sources: FilePath | None = Field(
        default=None,
        description="categories by utm_source (JSON); unset: the ones that come with the program",
    )
    drop_web_fields: Names = Field(
        default=(), description="fields to leave out of page views, comma between them"
    )
    max_keys: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="most keys of one window; the rest is (other)",
    )

    # -- access logs
    access_log_format: str | None = Field(
        default=None,
        description="format of access logs as in the server's configuration (LogFormat, log_format); "
        "unset: the usual ones are recognised",
    )
    geoip_city: FilePath | None = Field(default=None, description="GeoLite2 City database; unset: no places")
    geoip_asn: FilePath | None = Field(default=None, description="GeoLite2 ASN database; unset: no networks")
    cdn_parsed: bool = Field(
        default=False, description="true: filtered CDN lines also go out typed, to cdn-logs-parsed"
    )
    # -- end of access logs

    # -- HTTP ingest
    ingest_body_bytes: int = Field(
        default=32 * 2**20, ge=1024, le=2**30, description="longest body as received"
    )
    ingest_inflated_bytes: int = Field(
        default=256 * 2**20, ge=1024, le=2**34, description="longest body once unpacked"
    )
    ingest_in_flight_bytes: int = Field(
        default=64 * 2**20,
        ge=2048,
        le=2**36,
        description="above so many bytes in all bodies not yet answered, senders are put off (429)",
    )
    ingest_body_seconds: float = Field(
        default=60.0, gt=0, le=3_600, description="a body has to arrive within this time"
    )
    ingest_deadline_seconds: float = Field(
        default=10.0, gt=0, le=600, description="longest wait for Kafka before senders are put off (503)"
    )
    ingest_structured_fields: Names = Field(
        default=(), description="fields of STRUCTURED CDN lines in their order, comma between them"
    )
    ingest_htpasswd_file: FilePath | None = Field(
        default=None, description="users and passwords that may send (htpasswd -B)"
    )
    ingest_token_file: FilePath | None = Field(
        default=None, description="bearer tokens that may send, one a line"
    )
    ingest_open: bool = Field(
        default=False, description="true: anybody may send, on an address that others reach, too"
    )
    ingest_tls_port: int = Field(
        default=6443, ge=1, le=65535, description="port of the HTTPS listener, with a certificate"
    )
    ingest_tls_cert_file: FilePath | None = Field(
        default=None, description="certificate chain of the HTTPS listener (PEM); unset: no HTTPS"
    )
    ingest_tls_key_file: FilePath | None = Field(default=None, description="key of that certificate (PEM)")
    ingest_tls_client_ca_file: FilePath | None = Field(
        default=None, description="senders need a certificate that descends from these (PEM); unset: none"
    )
    # -- end of HTTP ingest

    # -- sinks: PostgreSQL and CSV
    sink_batch_records: int = Field(
        default=10_000, ge=1, le=1_000_000, description="most records a sink is given at once"
    )
    sink_linger_ms: int = Field(
        default=200, ge=0, le=60_000, description="a sink's batch that is not full waits so long for more"
    )
    postgres_url: SecretStr | None = Field(
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
    # -- end of sinks: PostgreSQL and CSV

    # -- sinks: S3 and OpenSearch
    s3_bucket: str | None = Field(
        default=None, description="bucket of the S3 sink, made if it is missing; unset: no such sink"
    )
    s3_endpoint: str | None = Field(
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
    opensearch_url: str | None = Field(
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
    # -- end of sinks: S3 and OpenSearch

    log_level: Annotated[LogLevel, BeforeValidator(str.lower)] = Field(
        default=LogLevel.INFO, description="least severe log line written"
    )
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="how log lines look")


def variable_of(field: str) -> str:
    """Return the environment variable that sets a field."""
    return PREFIX + field.upper()


def read_settings() -> Settings:
    """Read the environment as it is now.

    Raises `Misconfigured` with every fault at once, one a line.
    """
    given = {name.upper(): text for name, text in os.environ.items() if text}
    known = {variable_of(name) for name in Settings.model_fields}
    faults = [*unknown_names(given, known), *contradictions(given)]
    try:
        settings = Settings()
    except ValidationError as error:
        faults += [
            describe_fault(variable_of(str(fault["loc"][0])), given, fault, Settings.model_fields)
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # follows from another fault
        ]
    if faults:
        raise Misconfigured("\n".join(sorted(faults)))
    return settings


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return read_settings()
