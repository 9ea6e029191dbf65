"""The worker that `faust -A dataflow.app worker` starts: the app, assembled by the settings."""

from typing import Any

from faust.types import ServiceT

from dataflow.app import Dataflow
from dataflow.engine.app import EngineWorker
from dataflow.private_files import keep_files_private


class Worker(EngineWorker):
    """Assembles the app before it starts; no other command of Faust makes one."""

    def __init__(self, app: Dataflow, *services: ServiceT, **options: Any) -> None:  # noqa: ANN401  # Faust's
        from dataflow.assembly import assemble  # commands that only list need none of its imports

        keep_files_private()
        if not app.is_connected:  # `dataflow worker` has assembled it, to say at once what is misconfigured
            assemble(app, app.settings)
        super().__init__(app, *services, **options)
