"""Names: answers DNS questions about Services and pods of a node, as the API server knows them; a program.

It stands in for CoreDNS: A records of `SERVICE.NAMESPACE.svc` and `POD.SERVICE.NAMESPACE.svc`.
"""

import json
import socket
import struct
import subprocess
import sys
import time
from typing import Any

SERVER = "https://10.200.0.1:6443"
FRESH_SECONDS = 1.0
TTL = 1
A, AAAA = 1, 28


class Names:
    """The addresses of all Services and of the pods behind them, read again each second when asked."""

    def __init__(self) -> None:
        self._read_at = 0.0
        self._addresses: dict[str, list[str]] = {}

    def addresses(self, name: str) -> list[str] | None:
        """Return the addresses of a name; None if there is no such name."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            self._read_at = time.monotonic()
            self._addresses = dict(self._read())
        return self._addresses.get(name.lower().rstrip(".").removesuffix(".cluster.local"))

    def _read(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for service in _items("/api/v1/services"):
            name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
            address = service["spec"]["clusterIP"]
            found[name] = [] if address == "None" else [address]
        for part in _items("/apis/discovery.k8s.io/v1/endpointslices"):
            owner = part["metadata"]["labels"].get("kubernetes.io/service-name")
            name = f"{owner}.{part['metadata']['namespace']}.svc"
            for endpoint in part.get("endpoints") or []:
                if endpoint.get("hostname"):
                    found[f"{endpoint['hostname']}.{name}"] = endpoint["addresses"]
        return found


def answer(question: bytes, names: Names) -> bytes:
    """Return the answer to a DNS message with one question."""
    end, labels = 12, []
    while (length := question[end]) > 0:
        labels.append(question[end + 1 : end + 1 + length].decode("ascii"))
        end += 1 + length
    kind = struct.unpack(">H", question[end + 1 : end + 3])[0]
    addresses = names.addresses(".".join(labels))
    found = [] if addresses is None or kind != A else addresses
    code = 3 if addresses is None else 0
    head = question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(found), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", A, 1, TTL, 4) + socket.inet_aton(address) for address in found
    )
    return head + question[12 : end + 5] + records


def _items(path: str) -> list[dict[str, Any]]:
    curl = ["curl", "-sSk", f"{SERVER}{path}", "-H", "Authorization: Bearer test-token"]
    done = subprocess.run(curl, capture_output=True, check=False)
    items: list[dict[str, Any]] = json.loads(done.stdout or b"{}").get("items", [])
    return items


def serve(address: str) -> None:
    """Answer for ever."""
    names = Names()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((address, 53))
        while True:
            question, sender = bound.recvfrom(4096)
            bound.sendto(answer(question, names), sender)


if __name__ == "__main__":
    serve(sys.argv[1])
