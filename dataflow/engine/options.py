"""What an operator may choose about the engine; the application fills it from its settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


def _no_headers(_method: str, _url: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Limits of one worker.

    `connection` holds the keyword arguments that every aiokafka client of the engine
    gets: servers, security protocol, SASL user, TLS context.
    """

    connection: Mapping[str, object]
    checkpoint_seconds: float = 0.08
    checkpoint_records: int = 100_000
    batch_records: int = 2_000
    in_flight_bytes: int = 32 << 20
    local_store_seconds: float = 30.0
    state_memory_bytes: int = 256 << 20
    compression: str | None = None
    drain_timeout_seconds: float = 10.0
    dead_letter_topic: str = "dead-letters"
    dead_letter_max_consecutive: int = 10_000
    dead_letter_max_ratio: float = 0.5
    dead_letter_ratio_window: int = 10_000
    future_ms: int = 86_400_000
    query_seconds: float = 2.0
    stall_seconds: float = 300.0
    instance_id: str | None = None
    peer_headers: Callable[[str, str], Mapping[str, str]] = _no_headers
    """Returns by which headers another worker knows this one, of the method and the URL that is asked."""
    app_id: str | None = None
    """Prefix of the changelogs, which all groups of an app share; None: its name is that of its one group."""
