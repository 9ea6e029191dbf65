"""Leave: a worker with a name of its own gives that up when it ends, as nobody with the name comes back."""

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.web.answer import Answer
from dataflow.web.route import Routes

routes = Routes("Workers")


class Leaving(Answer):
    """What becomes of the partitions of this worker when it ends."""

    instance_id: str | None
    """The name that the group then forgets; without one it leaves at its end anyway."""


@routes(
    "post",
    "/leave",
    AccessRole.ADMIN,
    description="Without this, a static member (`DATAFLOW_INSTANCE_ID`) stays in its group, because it is "
    "expected to come back.",
)
async def leave() -> Leaving:
    """Make this worker leave its group for good when it ends."""
    if app.takes_partitions:
        app.batch_consumer.thread.leaves_for_good = True
    return Leaving(app.engine.options.instance_id)
