"""Member data: what members of the group tell one another, in JSON that Faust's assignor reads."""

import os
import socket
from functools import cache
from pathlib import Path
from uuid import getnode

import msgspec
from faust.types.assignor import HostToPartitionMap, TopicToPartitionMap

from dataflow.instants import now_ms

VERSION = 5
"""Of what members send; Faust's is 4. A member of an earlier version is sent the owners of all partitions."""

encode = msgspec.json.encode


class WorkerProcess(msgspec.Struct, frozen=True):
    """A process that runs a worker: its machine, its number there, and when it started."""

    machine: str
    pid: int
    started_ms: int


@cache
def this_process() -> WorkerProcess:
    """Return the process of this worker; machines of one name differ by their boot.

    So do containers that share a machine's name: each counts its processes by itself.
    """
    boot, pids = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    booted = boot.read_text().strip() if boot.exists() else getnode()
    counted = pids.readlink() if pids.is_symlink() else ""
    machine = f"{socket.gethostname()}/{booted}/{counted}"
    return WorkerProcess(machine, os.getpid(), now_ms())


class OwnPartitions(msgspec.Struct):
    """The partitions of a member, by topic."""

    actives: TopicToPartitionMap
    standbys: TopicToPartitionMap


class MemberData(msgspec.Struct):
    """What a member tells the leader, and the leader the member."""

    assignment: OwnPartitions
    url: str
    changelog_distribution: HostToPartitionMap = {}
    external_topic_distribution: HostToPartitionMap = {}
    topic_groups: dict[str, int] = {}
    instance_id: str | None = None
    process: WorkerProcess | None = None
    members: int = 0
    """How many there are in the group, as the leader says."""
    changelog_format: int | None = None
    """Of a member the latest that it reads, of the leader the one to write; earlier releases have none."""

    def format_of(self, version: int) -> int:
        """Return that format; releases that do not tell it had one for each version of what members send."""
        return int(version >= VERSION) if self.changelog_format is None else self.changelog_format


member_data = msgspec.json.Decoder(MemberData).decode
