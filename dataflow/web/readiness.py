"""Readiness: why this worker does not do its work, if it does not."""

from dataflow.app import app
from dataflow.engine.lifecycle import EngineState


def is_recovering() -> bool:
    """Tell whether partitions are being recovered, of which nothing can be said yet."""
    return app.engine.lifecycle.state in (EngineState.CREATED, EngineState.RECOVERING)


def not_ready_for() -> str | None:
    """Return what this worker is instead of ready; None when it is at work, on partitions or none."""
    if app.should_stop or app.engine.lifecycle.has_failed:
        return "stopping"
    if not app.takes_partitions:
        return None if _has_broker() else "without its broker"
    if not app.engine.lifecycle.is_running:
        return str(app.engine.lifecycle.state)
    return None if app.engine.is_ready else "without its broker"


def _has_broker() -> bool:
    """Tell whether events can be sent, and read by the sinks; their systems may be away."""
    receiver, sinks = app.context.receiver, app.context.sinks
    can_send = receiver.ingest_producer.is_up if receiver.started else True
    return can_send and all(runner.joined for runner in sinks)
