"""Listening: the setting of a port, an address and a port in; a socket that listens there out."""

import os
import socket
from errno import EACCES, EADDRINUSE

from dataflow.errors import Misconfigured

BACKLOG = 4_096
"""Senders that may come at the same moment."""


def listen(variable: str, host: str, port: int) -> socket.socket:
    """Return a socket; raise `Misconfigured`, naming the setting, if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Misconfigured(_fault(error, variable, host, port)) from error


def _fault(error: OSError, variable: str, host: str, port: int) -> str:
    if error.errno in (EACCES, EADDRINUSE):
        return f"{variable} is {port} ({os.strerror(error.errno)}); expected a port that is free on {host}"
    return f"DATAFLOW_WEB_HOST is '{host}' ({error}); expected an address of this machine"
