"""Readiness: asks a broker whether it serves as a member of its cluster."""

import socket
import struct

from dataflow.demo.broker.ports import HOST

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
