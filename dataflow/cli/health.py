"""`dataflow health`: asks the worker of these settings whether it lives, or does its work."""

from typing import Annotated

import typer

from dataflow.cli import worker_client
from dataflow.cli.tables import Worker
from dataflow.cli.terminal import print_json

Ready = Annotated[bool, typer.Option("--ready", help="Whether it does its work, not only whether it lives.")]


def health(*, ready: Ready = False, url: Worker = None) -> None:
    """Say whether a worker lives, by the exit code too.

    It is the health check of the image. With --ready the code is 0 only while the worker does its work,
    which it does not do while it starts or its partitions move: no reason to restart it.

    \b
    Example:
      dataflow health
      dataflow health --ready --url http://worker-1:6066
    """
    print_json(worker_client.ask(worker_client.address_of(url), "readyz" if ready else "healthz"))
