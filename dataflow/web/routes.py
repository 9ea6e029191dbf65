"""Routes: all that a worker answers, resource by resource, in the order of their documentation."""

from dataflow.web import (
    analytics,
    audit,
    dead_letters,
    events,
    health,
    index,
    ingest,
    leave,
    live,
    metrics,
    query,
    rebuild,
    resume,
    rules,
    rules_history,
    session,
    sinks,
    streams,
    table_metrics,
    tables,
    topics,
    workers,
)
from dataflow.web.index import routes_about
from dataflow.web.route import Route

_COUNTS = (*tables.routes, *rebuild.routes, *streams.routes, *resume.routes, *analytics.routes)
SENDERS = (*ingest.routes, *events.routes)
"""Answered only by workers that receive events over HTTP."""

_OTHERS: tuple[Route, ...] = tuple(
    route
    for resource in (
        topics,
        rules,
        rules_history,
        dead_letters,
        audit,
        health,
        leave,
        metrics,
        table_metrics,
        workers,
        sinks,
        query,
        live,
        index,
        session,
    )
    for route in resource.routes
)
_DOCUMENTATION = tuple(routes_about((*_COUNTS, *SENDERS, *_OTHERS)))

EVERY_WORKER = (*_COUNTS, *_OTHERS, *_DOCUMENTATION)
ALL = (*_COUNTS, *SENDERS, *_OTHERS, *_DOCUMENTATION)
"""What the OpenAPI document describes, whatever the role of a worker."""
