"""Readiness: the state of this worker in, why it does not do its work out."""

from dataflow.app import app
from dataflow.engine.lifecycle import EngineState
from dataflow.settings import Role, settings
from dataflow.web.receiver import receiver


def is_recovering() -> bool:
    """Tell whether partitions are being recovered, of which nothing can be said yet."""
    return app.engine.lifecycle.state in (EngineState.CREATED, EngineState.RECOVERING)


def not_ready_for() -> str | None:
    """Return what this worker is instead of ready; None when it is at work, on partitions or none."""
    if app.should_stop or app.engine.lifecycle.has_failed:
        return "stopping"
    if settings().role is Role.INGEST:  # it has no partitions: it is ready when the broker takes records
        return None if receiver.producing.is_up else "without its broker"
    if not app.engine.lifecycle.is_running:
        return str(app.engine.lifecycle.state)
    return None if app.engine.is_ready else "without its broker"
