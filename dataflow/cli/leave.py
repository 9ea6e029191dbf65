"""`dataflow leave`: workers with names of their own leave their group, as none of that name comes back."""

from typing import Annotated

import typer

from dataflow.cli.tables import Worker
from dataflow.cli.terminal import say
from dataflow.errors import DataflowError

Names = Annotated[
    list[str] | None, typer.Argument(help="DATAFLOW_INSTANCE_ID of workers that have ended; none: this one's")
]


def leave(names: Names = None, url: Worker = None) -> None:
    """Have a worker leave its group for good.

    A worker with DATAFLOW_INSTANCE_ID stays in its group when it ends: after a restart it goes on with what
    it had. One that leaves gives its partitions to others at once. Without names, the running worker is told
    to leave when it ends. With names, workers that have ended leave now. A pod of a StatefulSet that is
    scaled in leaves by itself, if it has a token to ask by (docs/operations.md).

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
    say(f"Worker {name or 'without DATAFLOW_INSTANCE_ID'} leaves its group when it ends.")


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
