"""Readiness: why this worker does not do its work, if it does not."""

from dataflow.app import app
from dataflow.engine.lifecycle import EngineState
from dataflow.settings import Role
from dataflow.sinks.configured import is_sink


def is_recovering() -> bool:
    """Tell whether partitions are being recovered, of which nothing can be said yet."""
    return app.engine.lifecycle.state in (EngineState.CREATED, EngineState.RECOVERING)


def not_ready_for() -> str | None:
    """Return what this worker is instead of ready; None when it is at work, on partitions or none."""
    if app.should_stop or app.engine.lifecycle.has_failed:
        return "stopping"
    if app.settings.role is Role.INGEST or is_sink(app.settings.role):  # it takes no partitions of Faust's
        return None if _has_broker() else "without its broker"
    if not app.engine.lifecycle.is_running:
        return str(app.engine.lifecycle.state)
    return None if app.engine.is_ready else "without its broker"


def _has_broker() -> bool:
    """Tell whether records can be sent or stored; a system of a sink that is away is no reason to restart."""
    if app.settings.role is Role.INGEST:
        return app.context.receiver.ingest_producer.is_up
    return all(runner.joined for runner in app.context.sinks)
