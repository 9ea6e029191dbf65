"""`dataflow health`: asks the worker of these settings whether it is alive, or ready."""

from typing import Annotated

import typer

from dataflow.cli import worker_client
from dataflow.cli.tables import Worker
from dataflow.cli.terminal import print_json

Ready = Annotated[bool, typer.Option("--ready", help="Check whether it is ready, not only alive.")]


def health(*, ready: Ready = False, url: Worker = None) -> None:
    """Check whether a worker is alive.

    The exit code is 0 if it is. This is the health check of the container image. With --ready the exit code
    is 0 only if the worker is ready. A worker is not ready while it starts and while its partitions move; do
    not restart it for that.

    \b
    Example:
      dataflow health
      dataflow health --ready --url http://worker-1:6066
    """
    answer = worker_client.ask(url or _own_address(), "readyz" if ready else "healthz")
    answer["ready" if ready else "healthy"]  # another program may answer there, and is no worker
    print_json(answer)


def _own_address() -> str:
    """Return where the worker of the settings listens here: several may share the name that others know."""
    from dataflow.engine.address import in_url
    from dataflow.settings import settings

    current = settings()
    port = current.web_port if current.web_tls_cert_file is None else current.web_plain_port
    if port is None:  # a certificate is for that name, and for no address of this machine
        return worker_client.address_of(None)
    host = "127.0.0.1" if current.web_host in ("0.0.0.0", "::") else in_url(current.web_host)  # noqa: S104  # compared
    return f"http://{host}:{port}"
