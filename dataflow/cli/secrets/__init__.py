"""`dataflow secrets`: makes the secrets of a deployment."""

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.secrets.init import init

secrets = CommandGroup(
    "Make the secrets of a deployment.\n\n\b\nExample:\n  dataflow secrets init secrets",
)
secrets.command()(init)


@secrets.callback()
def _group() -> None:
    """Keep `init` a command of the group while it is the only one."""
