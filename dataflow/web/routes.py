"""Routes: all that a worker answers, a table for each resource."""

from dataflow.web import (
    analytics,
    dead_letters,
    docs,
    events,
    health,
    index,
    ingest,
    metrics,
    parts,
    rules,
    simulation,
    sinks,
    streams,
    tables,
)

EVERY_WORKER = (
    *index.routes,
    *docs.routes,
    *health.routes,
    *metrics.routes,
    *streams.routes,
    *tables.routes,
    *analytics.routes,
    *sinks.routes,
    *rules.routes,
    *dead_letters.routes,
    *parts.routes,
)
SENDERS = (*ingest.routes, *events.routes, *simulation.routes)
"""Answered only by workers that receive events over HTTP."""
