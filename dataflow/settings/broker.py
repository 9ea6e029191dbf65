"""Settings of the broker: its address and how it is spoken to."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, FilePath, SecretStr

from dataflow.settings.faults import known_brokers

Brokers = Annotated[str, BeforeValidator(known_brokers)]


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


class BrokerSettings(BaseModel):
    """Which Kafka, and how to get in."""

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
