"""Configured sinks: which sinks a worker runs by its settings, and with which options."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules

import dataflow.sinks
from dataflow.engine.dead_letters import DeadLetterLimit
from dataflow.errors import Misconfigured
from dataflow.kafka.clients import backoff
from dataflow.settings import Role, Settings
from dataflow.sinks.contract import Sink

ROLE_PREFIX = "sink-"


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
    dead_letter_limit: DeadLetterLimit = field(default_factory=lambda: DeadLetterLimit(10_000, 0.5, 10_000))

    def group_of(self, sink: str) -> str:
        """Return the consumer group of a sink."""
        return f"{self.app_id}-sink-{sink}"

    def pauses(self) -> Iterator[float]:
        """Yield the seconds before each retry: twice as long each time, less a random part up to half."""
        for pause in backoff(self.first_pause_seconds, self.longest_pause_seconds):
            yield pause * random.uniform(0.5, 1.0)


def configured_sinks(settings: Settings) -> list[Sink]:
    """Return the sinks that this worker runs, by its role and settings.

    A sink is a module or package of `dataflow.sinks` with a function ``configured(settings)``, which returns
    None if the settings do not enable it. Raises `Misconfigured` when the role is a sink that is not enabled.
    """
    if settings.role is Role.ALL:
        return list(enabled_sinks(settings))
    if not settings.role.startswith(ROLE_PREFIX):
        return []
    wanted = settings.role.removeprefix(ROLE_PREFIX)
    sinks = [sink for sink in enabled_sinks(settings) if sink.name == wanted]
    if not sinks:
        raise Misconfigured(
            f"DATAFLOW_ROLE is {settings.role.value!r}; expected the settings of that sink, too: "
            "`dataflow settings` lists them"
        )
    return sinks


def enabled_sinks(settings: Settings) -> Iterator[Sink]:
    """Yield every sink that the settings enable, whichever worker runs it."""
    for module in iter_modules(dataflow.sinks.__path__, f"{dataflow.sinks.__name__}."):
        configured = getattr(import_module(module.name), "configured", None)
        sink = configured(settings) if configured else None
        if sink is not None:
            yield sink


def runner_options(settings: Settings, connection: Mapping[str, object]) -> RunnerOptions:
    """Return the options of all sinks of this worker."""
    return RunnerOptions(
        app_id=settings.app_id,
        connection=connection,
        batch_records=settings.sink_batch_records,
        linger_seconds=settings.sink_linger_ms / 1000,
        session_timeout_ms=settings.session_timeout_ms,
        drain_timeout_seconds=settings.shutdown_seconds,
        compression=settings.compression.codec,
        dead_letter_limit=DeadLetterLimit(
            settings.dead_letter_max_consecutive,
            settings.dead_letter_max_ratio,
            settings.dead_letter_ratio_window,
        ),
    )
