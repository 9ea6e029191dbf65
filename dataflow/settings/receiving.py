"""Settings of the HTTP ingest: limits, access and listeners."""

from pydantic import BaseModel, Field, FilePath

from dataflow.settings.values import Names


class ReceivingSettings(BaseModel):
    """Limits and access of the HTTP ingest."""

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
        description="above so many bytes of unanswered bodies, senders get 429 and retry",
    )
    ingest_body_seconds: float = Field(default=60.0, gt=0, le=3_600, description="time for a body to arrive")
    ingest_deadline_seconds: float = Field(
        default=10.0, gt=0, le=600, description="longest wait for Kafka; then senders get 503 and retry"
    )
    ingest_structured_fields: Names = Field(
        default=(), description="fields of STRUCTURED CDN lines in their order, separated by commas"
    )
    ingest_htpasswd_file: FilePath | None = Field(
        default=None, description="users and passwords that may send (htpasswd -B)"
    )
    ingest_token_file: FilePath | None = Field(
        default=None, description="bearer tokens that may send, one a line"
    )
    ingest_open: bool = Field(
        default=False,
        description="true: everybody may send; false: only the users and tokens of the two files",
    )
    ingest_tls_port: int = Field(
        default=6443, ge=1, le=65535, description="port of the HTTPS listener, with a certificate"
    )
    ingest_tls_cert_file: FilePath | None = Field(
        default=None, description="certificate chain of the HTTPS listener (PEM); unset: no HTTPS"
    )
    ingest_tls_key_file: FilePath | None = Field(default=None, description="key of that certificate (PEM)")
    ingest_tls_client_ca_file: FilePath | None = Field(
        default=None,
        description="CA certificates of senders (PEM), who then need a certificate; unset: none needed",
    )
