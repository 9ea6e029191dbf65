"""Options of a sink runner, made from the settings."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataflow.kafka.clients import backoff


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How a sink is fed; the same for all sinks of a worker."""

    app_id: str
    connection: Mapping[str, object]
    """What an aiokafka client takes: bootstrap_servers and security."""
    batch_records: int = 10_000
    batch_bytes: int = 16 << 20
    linger_seconds: float = 0.2
    """How long a batch that is not full waits for more records."""
    session_timeout_ms: int = 10_000
    drain_timeout_seconds: float = 10.0
    """How long a write in progress may take when its partition is revoked."""
    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 30.0
    compression: str | None = "zstd"
    dead_letter_max_consecutive: int = 10_000
    dead_letter_max_ratio: float = 0.5
    dead_letter_ratio_window: int = 10_000

    def group_of(self, sink: str) -> str:
        """Return the consumer group of a sink."""
        return f"{self.app_id}-sink-{sink}"

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry: doubled each time, less a random part up to half.

        The random part keeps workers from retrying all at once.
        """
        for pause in backoff(self.first_pause_seconds, self.longest_pause_seconds):
            yield pause * random.uniform(0.5, 1.0)
