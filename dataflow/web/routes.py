"""Routes: all that a worker answers, resource by resource, in the order of their documentation."""

from dataflow.web import (
    analytics,
    dead_letters,
    events,
    health,
    index,
    ingest,
    metrics,
    query,
    rules,
    simulation,
    sinks,
    streams,
    tables,
)
from dataflow.web.docs import routes_about

_COUNTS = (*tables.routes, *streams.routes, *analytics.routes)
SENDERS = (*ingest.routes, *events.routes, *simulation.routes)
"""Answered only by workers that receive events over HTTP."""

_OTHERS = (
    *rules.routes,
    *dead_letters.routes,
    *health.routes,
    *metrics.routes,
    *sinks.routes,
    *query.routes,
    *index.routes,
)
_DOCUMENTATION = tuple(routes_about((*_COUNTS, *SENDERS, *_OTHERS)))

EVERY_WORKER = (*_COUNTS, *_OTHERS, *_DOCUMENTATION)
ALL = (*_COUNTS, *SENDERS, *_OTHERS, *_DOCUMENTATION)
"""What the OpenAPI document describes, whatever the role of a worker."""
