"""Ports of the loopback: which one is free for a server, and on which one a broker serves."""

import random
import socket
import struct

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


# A Metadata request (key 3, version 1) about no topic: whoever may answer it lists
# the brokers that clients may use, and a broker that is still starting is not yet there.
_METADATA = struct.pack(">hhih", 3, 1, 0, -1) + struct.pack(">i", 0)
_REQUEST = struct.pack(">i", len(_METADATA)) + _METADATA
_ANSWER = struct.Struct(">iii")  # size, correlation id, number of brokers


def is_ready(port: int) -> bool:
    """Return whether the broker on this port serves clients now; wait a second at most."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as server:
            server.sendall(_REQUEST)
            with server.makefile("rb") as answer:
                head = answer.read(_ANSWER.size)
    except OSError:
        return False
    return len(head) == _ANSWER.size and bool(_ANSWER.unpack(head)[2] > 0)
