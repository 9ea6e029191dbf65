"""`dataflow leave`: workers with a DATAFLOW_INSTANCE_ID leave their group for good."""

from typing import Annotated

import typer

from dataflow.cli.tables import Worker
from dataflow.cli.terminal import say
from dataflow.errors import DataflowError

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME", help="DATAFLOW_INSTANCE_ID of workers that have ended; default: this one."
    ),
]


def leave(names: Names = None, url: Worker = None) -> None:
    """Remove a worker from its group for good.

    A worker with DATAFLOW_INSTANCE_ID stays a member of its group when it ends, so that it keeps its
    partitions over a restart. If it does not come back, let it leave: other workers then take its
    partitions at once.

    Without NAME, the running worker leaves when it ends. With NAME, workers that have ended leave now. A
    pod of a StatefulSet that is scaled in leaves by itself, if it has a token (docs/operations.md).

    \b
    Example:
      dataflow leave
      dataflow leave enrich-3 enrich-4
    """
    if names:
        _remove(names)
        return
    from dataflow.cli.worker_client import address_of, tell

    name = tell(address_of(url), "leave")["instance_id"]
    say(f"Worker {name or 'without DATAFLOW_INSTANCE_ID'} will leave its group when it ends.")


def _remove(names: list[str]) -> None:
    from dataflow.catalogue.declared import streams_named
    from dataflow.cli.kafka import ask_broker
    from dataflow.engine.sibling_groups import group_of
    from dataflow.kafka.admin import Admin
    from dataflow.kafka.clients import running
    from dataflow.settings import settings

    group = group_of(settings().app_id, [stream.name for stream in streams_named(settings().streams)])

    async def work(connection: dict[str, object]) -> set[str]:
        """Remove them."""
        async with running(Admin(connection)) as admin:
            return await admin.remove_members(group, names)

    unknown = ask_broker(work)
    for name in sorted({*names} - unknown):
        say(f"Worker {name} has left group {group}.")
    if unknown:
        raise DataflowError(
            f"group {group} has no member {', '.join(sorted(unknown))}; expected DATAFLOW_INSTANCE_ID of "
            "workers that have ended"
        )
