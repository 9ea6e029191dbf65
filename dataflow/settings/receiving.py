"""Settings of the HTTP ingest: how much is taken, from whom, over which listener."""

from pydantic import BaseModel, Field, FilePath

from dataflow.settings.values import Names


class ReceivingSettings(BaseModel):
    """What is taken over HTTP."""

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
        default=False, description="true: anybody may send; otherwise those of the two files alone"
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
