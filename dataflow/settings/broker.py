"""Settings of the broker: its address and security."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, FilePath, SecretStr

from dataflow.settings.faults import known_brokers
from dataflow.settings.values import setting

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

    broker: Brokers | None = setting(None, "Kafka, host:port[,...]; unset: the embedded broker")
    broker_security: Security = setting(Security.PLAINTEXT, "security protocol")
    broker_sasl_mechanism: SaslMechanism = setting(SaslMechanism.SCRAM_SHA_512, "SASL mechanism")
    broker_username: str | None = setting(None, "SASL user")
    broker_password: SecretStr | None = setting(None, "SASL password")
    broker_ca_file: FilePath | None = setting(
        None, "CA certificates of the broker (PEM); unset: those of the system"
    )
    broker_cert_file: FilePath | None = setting(None, "own certificate, for mutual TLS (PEM)")
    broker_key_file: FilePath | None = setting(None, "key of the own certificate (PEM)")
