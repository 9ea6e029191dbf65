"""Settings of the broker: its address and security."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, FilePath, SecretStr

from dataflow.settings.faults import known_brokers

Brokers = Annotated[str, BeforeValidator(known_brokers)]


class Security(StrEnum):
    """Security protocol of the broker."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """SASL mechanism of the broker."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class BrokerSettings(BaseModel):
    """Address of Kafka, and credentials."""

    broker: Brokers | None = Field(
        default=None, description="Kafka, host:port[,...]; unset: the embedded broker"
    )
    broker_security: Security = Field(default=Security.PLAINTEXT, description="security protocol")
    broker_sasl_mechanism: SaslMechanism = Field(
        default=SaslMechanism.SCRAM_SHA_512, description="SASL mechanism"
    )
    broker_username: str | None = Field(default=None, description="SASL user")
    broker_password: SecretStr | None = Field(default=None, description="SASL password")
    broker_ca_file: FilePath | None = Field(
        default=None, description="CA certificates of the broker (PEM); unset: those of the system"
    )
    broker_cert_file: FilePath | None = Field(
        default=None, description="own certificate, for mutual TLS (PEM)"
    )
    broker_key_file: FilePath | None = Field(default=None, description="key of the own certificate (PEM)")
