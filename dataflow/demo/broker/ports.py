"""Ports of the loopback: which one is free for a server."""

import random
import socket

from dataflow.errors import Misconfigured

HOST = "127.0.0.1"

# Below the ports that the kernel gives to outgoing connections (from 32768 on Linux):
# a client that keeps knocking while the broker is down could otherwise be given the
# broker's own port, connect to itself and keep the broker from coming back.
CHOICE = range(20_000, 30_000)


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def free_port(*but: int) -> int:
    """Return a port that is free now and none of these."""
    for port in random.sample(CHOICE, 200):
        if port not in but and is_free(port):
            return port
    raise Misconfigured(f"no port of {HOST} is free; expected one from {CHOICE.start} to {CHOICE.stop - 1}")
