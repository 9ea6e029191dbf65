"""Windows of the live tables: how far back they are kept, in event time."""

from typing import Any

from dataflow.app import app, batch_topic
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.tables import DAY, HOUR, MINUTE, Aggregation, WindowedTable
from dataflow.engine.topic import CountedTable

HOUR_MS, DAY_MS = HOUR.size_ms, DAY.size_ms

LIVE_WINDOWS = (MINUTE.kept_for(6 * HOUR_MS), HOUR.kept_for(7 * DAY_MS), DAY.kept_for(90 * DAY_MS))
LIVE_LATENESS_MS = HOUR_MS
"""Senders retry for minutes, clients upload what they measured while offline."""


def live_table(
    name: str,
    *topics: DeclaredTopic,
    key: str,
    max_keys: int | None = None,
    **aggregations: Aggregation[Any, Any],  # each has a state of its own type
) -> CountedTable:
    """Declare a table of the live windows, counted from the events of these topics."""
    table = WindowedTable(
        name,
        key=key,
        windows=LIVE_WINDOWS,
        all_time=True,
        lateness_ms=LIVE_LATENESS_MS,
        max_keys=max_keys,
        **aggregations,
    )
    return app.windowed_table([batch_topic(topic) for topic in topics], table)
