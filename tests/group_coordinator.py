"""A group of processes in; a client of aiokafka whose broker coordinates it, out."""

from types import SimpleNamespace
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import UnknownMemberIdError
from aiokafka.protocol.admin import DescribeGroupsRequest

from dataflow.engine.member_data import (
    VERSION,
    MemberData,
    OwnPartitions,
    WorkerProcess,
    encode,
    this_process,
)
from dataflow.kafka.group_members import STABLE

REBALANCING = "PreparingRebalance"


class Coordinator:
    """The only node, and the only group that it has: each member is a process of this machine."""

    def __init__(self, pids: dict[str, int], version: int = VERSION) -> None:
        self.pids = pids
        self.state = STABLE
        self._version = version

    async def coordinator_lookup(self, *_: object) -> int:
        """Return the node."""
        return 0

    async def ready(self, *_: object, **__: object) -> None:
        """Be connected."""

    async def send(self, _: int, request: Any, **__: object) -> SimpleNamespace:
        """Describe the group, or let members leave."""
        if isinstance(request, DescribeGroupsRequest):
            members = [(name, "", "/192.0.2.1", self._told_by(name), b"") for name in self.pids]
            return SimpleNamespace(groups=[(0, "dataflow", self.state, "", "", members)])
        codes = [
            (name, instance, 0 if self.pids.pop(name, None) else UnknownMemberIdError.errno)
            for name, instance in request.struct.members
        ]
        return SimpleNamespace(error_code=0, members=codes)

    def _told_by(self, name: str) -> bytes:
        if self.state != STABLE:
            return b""
        process = WorkerProcess(this_process().machine, self.pids[name], 0)
        data = MemberData(OwnPartitions({}, {}), f"http://{name}", process=process)
        return bytes(ConsumerProtocolMemberMetadata(self._version, [], encode(data)).encode())
