"""Windows of the live tables: how far back they are kept, in event time."""

from dataflow.engine.tables import DAY, HOUR, MINUTE

HOUR_MS, DAY_MS = HOUR.size_ms, DAY.size_ms

LIVE_WINDOWS = (
    MINUTE.kept_for(6 * HOUR_MS),
    HOUR.kept_for(7 * DAY_MS),
    DAY.kept_for(90 * DAY_MS),
)
LIVE_LATENESS_MS = HOUR_MS
"""Senders retry for minutes, clients upload what they measured while offline."""
