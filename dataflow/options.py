"""The settings of Dataflow in the words of Faust and of the engine."""

from collections.abc import Mapping

from dataflow.engine.options import Delivery, EngineOptions
from dataflow.logging_config import logging_config
from dataflow.settings import Settings

CHECKPOINT_HEADROOM_SECONDS = 30  # a rebalance waits for a checkpoint under way


def faust_options(settings: Settings) -> dict[str, object]:
    """Return how Faust is configured, but for the broker, which only a worker needs."""
    session_seconds = settings.session_timeout_ms / 1000
    return {
        "autodiscover": ("agents", "tables", "models"),
        "Worker": "dataflow.worker:Worker",
        "broker_session_timeout": session_seconds,
        "broker_heartbeat_interval": session_seconds / 4,
        "broker_rebalance_timeout": session_seconds + CHECKPOINT_HEADROOM_SECONDS,
        "logging_config": logging_config(settings),
        "datadir": str(settings.data_dir / "faust"),
        "web_bind": settings.web_host,
        "web_host": settings.advertised_host,
        "web_port": settings.web_port,
    }


def engine_options(settings: Settings, connection: Mapping[str, object]) -> EngineOptions:
    """Return the engine's part of the settings."""
    return EngineOptions(
        connection=connection,
        delivery=Delivery(settings.delivery),
        checkpoint_seconds=settings.checkpoint_ms / 1000,
        checkpoint_records=settings.checkpoint_records,
        batch_records=settings.batch_records,
        in_flight_bytes=settings.in_flight_bytes,
        compression=settings.compression.codec,
        drain_timeout_seconds=settings.shutdown_seconds,
        dead_letter_max_consecutive=settings.dead_letter_max_consecutive,
        dead_letter_max_ratio=settings.dead_letter_max_ratio,
        dead_letter_ratio_window=settings.dead_letter_ratio_window,
        query_seconds=settings.query_deadline_ms / 1000,
        instance_id=settings.instance_id,
    )
