"""The real app with one more sink, which has a bug; for `faust -A sinks.buggy_app`."""

from dataflow.app import app
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.connection import broker_connection
from dataflow.settings import settings
from dataflow.sinks.configured import runner_options
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, rejection
from dataflow.sinks.runner import SinkRunner


class BuggySink(Sink):
    """Divides by zero."""

    name = "buggy"
    topics = (ANALYTICS_EVENTS.name,)

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Do not come back."""
        return batch.stored([rejection(record, "none") for record in batch.records[: 1 // 0]])


app.add_dependency(SinkRunner(BuggySink(), runner_options(settings(), broker_connection(settings()))))
