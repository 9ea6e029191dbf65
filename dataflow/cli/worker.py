"""`dataflow worker`: runs a Faust worker with the role that the settings give it."""

import logging
import os
import sys
from logging.config import dictConfig
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataflow.settings import Settings

Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the web server (DATAFLOW_WEB_PORT).")
]
Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address that the web server listens on (DATAFLOW_WEB_HOST)."),
]


def worker(port: Port = None, host: Host = None) -> None:
    """Run a worker; several workers share the partitions.

    It does the same as `faust -A dataflow.app worker`, with uvloop and the log level of the settings. Give
    each worker on a machine its own port. At SIGTERM or Ctrl-C it finishes the work in progress first.

    \b
    Example:
      DATAFLOW_BROKER=kafka:9092 dataflow worker
      dataflow worker --port 6067
    """
    _use_uvloop()
    from dataflow.logging_config import logging_config
    from dataflow.settings import settings

    if port is not None:
        os.environ["DATAFLOW_WEB_PORT"] = str(port)
    if host is not None:
        os.environ["DATAFLOW_WEB_HOST"] = host
    current = settings()
    dictConfig(logging_config(current))  # Faust does so, too, but later
    logging.captureWarnings(capture=True)
    sys.argv = _arguments(current)
    from faust.cli.faust import cli

    from dataflow.app import app
    from dataflow.assembly import assemble

    assemble(app, current)
    cli()


def _use_uvloop() -> None:
    """Choose the event loop before anything imports Faust, which settles it: reading some settings does."""
    from mode.loop import use

    use("uvloop")


def _arguments(settings: "Settings") -> list[str]:
    """Return the command line of Faust's worker."""
    from dataflow.logging_config import writes_json
    from dataflow.settings import LogLevel

    level = "warn" if settings.log_level is LogLevel.WARNING else settings.log_level.value
    quiet = ["--quiet"] if writes_json(settings.log_format) else []  # its banner is no log line
    return ["faust", "-A", "dataflow.app", *quiet, "worker", "--loglevel", level]
