"""PostgreSQL as a sink: a table for each topic, partitioned by day, idempotent by origin."""

from dataflow.settings import Settings
from dataflow.sinks.contract import Sink


def configured(settings: Settings) -> Sink | None:
    """Return the sink if the settings enable it."""
    if settings.postgres_url is None:
        return None
    from dataflow.sinks.postgres.sink import PostgresSink  # a worker without it loads no driver

    return PostgresSink(settings.postgres_url.get_secret_value(), settings.postgres_retention_days)
