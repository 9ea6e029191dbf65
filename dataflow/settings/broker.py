"""Settings of Kafka: address and security of the broker, batch sizes, checkpoints and guarantees."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, FilePath, SecretStr

from dataflow.settings.faults import known_brokers
from dataflow.settings.values import WebAddressWithoutLogin, setting

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
    OAUTHBEARER = "OAUTHBEARER"


class BrokerSettings(BaseModel):
    """Kafka broker: address and credentials."""

    broker: Brokers | None = setting(None, "address of Kafka, host:port[,...]; unset: the embedded broker")
    broker_security: Security = setting(Security.PLAINTEXT, "security protocol of the connection to Kafka")
    broker_sasl_mechanism: SaslMechanism = setting(
        SaslMechanism.SCRAM_SHA_512, "SASL mechanism of the connection to Kafka"
    )
    broker_username: str | None = setting(None, "SASL user at Kafka; with a token URL the client id")
    broker_password: SecretStr | None = setting(
        None, "SASL password at Kafka; with a token URL the client secret"
    )
    broker_token_file: FilePath | None = setting(
        None, "SASL OAUTHBEARER: file of the token, read at each login"
    )
    broker_token_url: WebAddressWithoutLogin | None = setting(
        None, "SASL OAUTHBEARER: token endpoint, for client credentials"
    )
    broker_token_scope: str | None = setting(
        None, "SASL OAUTHBEARER: scope that the token endpoint is asked for"
    )
    broker_token_ca_file: FilePath | None = setting(
        None, "CA certificates of the token endpoint (PEM); unset: those of the system"
    )
    broker_ca_file: FilePath | None = setting(
        None, "CA certificates of the broker (PEM); unset: those of the system"
    )
    broker_cert_file: FilePath | None = setting(None, "certificate of this client, for mutual TLS (PEM)")
    broker_key_file: FilePath | None = setting(None, "key of the certificate of this client (PEM)")


class Compression(StrEnum):
    """Compression of record batches for the broker."""

    NONE = "none"
    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"

    @property
    def codec(self) -> str | None:
        """What aiokafka calls it; None for none."""
        return None if self is Compression.NONE else self.value


class DeliverySettings(BaseModel):
    """Delivery: batches, checkpoints, memory and timeouts."""

    checkpoint_ms: int = setting(
        80, "time between two checkpoints while events arrive; longer with many partitions", ge=10, le=60_000
    )
    checkpoint_records: int = setting(
        100_000, "number of records after which a checkpoint starts early", ge=1, le=10_000_000
    )
    batch_records: int = setting(2_000, "largest number of records in a batch", ge=1, le=100_000)
    in_flight_bytes: int = setting(
        32 * 2**20,
        "largest number of uncommitted bytes in memory, all partitions together",
        ge=2**20,
        le=4 * 2**30,
    )
    state_memory_bytes: int = setting(
        256 * 2**20,
        "largest memory of tables; above it their rarest keys are counted as (other)",
        ge=2**24,
        le=2**40,
    )
    local_store_seconds: float = setting(
        30.0, "time between two writes of the local store, which makes restarts fast", gt=0, le=3_600
    )
    compression: Compression = setting(Compression.NONE, "compression of output records")
    session_timeout_ms: int = setting(
        10_000, "time without heartbeats after which a worker loses its partitions", ge=1_000, le=1_800_000
    )
    stall_seconds: float = setting(
        300.0,
        "time without any progress, although there is work, after which a worker is unhealthy",
        ge=5,
        le=86_400,
    )
    catch_up_seconds: float = setting(
        300.0,
        "time in which the wanted workers (dataflow_wanted_workers) must work off the lag",
        ge=1,
        le=604_800,
    )
    shutdown_seconds: float = setting(
        10.0, "time to finish batches in progress after SIGTERM", gt=0, le=3_600
    )
