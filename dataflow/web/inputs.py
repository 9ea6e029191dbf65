"""Inputs: the schedule of the settings in; the runs that are this worker's turn out."""

from dataflow.app import app
from dataflow.inputs.schedule import ingest_scheduled
from dataflow.settings import settings

SCHEDULE = settings().ingest_schedule
if SCHEDULE is not None:

    @app.crontab(SCHEDULE)
    async def ingest_inputs() -> None:
        """Read what is new in the inputs, if no other worker does."""
        await ingest_scheduled(settings(), lambda: app.should_stop)
