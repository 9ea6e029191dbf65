"""Settings of Kafka: address and security of the broker, batch sizes, checkpoints and guarantees."""

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
    """How events are read, committed and written."""

    checkpoint_ms: int = setting(
        80, "time between two checkpoints while events come; longer with many partitions", ge=10, le=60_000
    )
    checkpoint_records: int = setting(
        100_000, "a checkpoint starts early after so many records", ge=1, le=10_000_000
    )
    batch_records: int = setting(2_000, "most records of one batch", ge=1, le=100_000)
    in_flight_bytes: int = setting(
        32 * 2**20, "most uncommitted bytes in memory, over all partitions", ge=2**20, le=4 * 2**30
    )
    state_memory_bytes: int = setting(
        256 * 2**20,
        "most memory of tables that are not on disk; above it their rarest keys are counted as (other)",
        ge=2**24,
        le=2**40,
    )
    local_store_seconds: float = setting(
        30.0, "what is committed goes to the local store so often; restarts read it", gt=0, le=3_600
    )
    compression: Compression = setting(Compression.NONE, "compression of outputs")
    session_timeout_ms: int = setting(
        10_000, "a worker without heartbeats for so long loses its partitions", ge=1_000, le=1_800_000
    )
    stall_seconds: float = setting(
        300.0, "a worker with work that gets on with none of it for so long is not healthy", ge=5, le=86_400
    )
    catch_up_seconds: float = setting(
        300.0, "within so long lag is to be gone: dataflow_wanted_workers counts on it", ge=1, le=604_800
    )
    shutdown_seconds: float = setting(
        10.0, "time to finish batches in progress after SIGTERM", gt=0, le=3_600
    )
