"""Membership: a worker whose instance id or address another one in the group has is refused."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import cast

import aiohttp
import faust
import msgspec
from yarl import URL

from dataflow.engine.address import is_loopback
from dataflow.engine.member_data import MemberData, WorkerProcess, member_data, this_process
from dataflow.engine.options import EngineOptions
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import GroupMember
from dataflow.logs import get_log

log = get_log(__name__)

PROCESS_PATH = "/_process"
"""Where a worker tells which process it is."""

POLL_SECONDS = 0.5
REBALANCE_SECONDS = 1.0
LOST_SECONDS = 5.0
ANSWER_SECONDS = 1.0


class Moment(StrEnum):
    """When a worker asks who is in its group."""

    START = "start"
    JOINED = "joined"
    """Of two that have joined, the one that started later is refused."""
    LOST = "lost"
    """Whoever has our instance id now, has taken it over."""


class Membership:
    """Asks who is in this worker's group, and whether those that have its id or address are alive."""

    def __init__(self, app: faust.App, options: EngineOptions) -> None:
        self._app = app
        self._options = options

    @property
    def transactional_id(self) -> str:
        """An id that no other member has, as their addresses are checked; the same after a restart.

        A worker that is no member, and writes nothing, may have the address of one.
        """
        url = self._app.conf.canonical_url
        return f"{self._app.conf.id}-{url.host}-{url.port}" + "-no-member" * self._app.producer_only

    async def check(self, moment: Moment) -> None:
        """Raise `Misconfigured` if a worker that is alive has this one's instance id or address.

        A predecessor of this worker that the group has not missed yet is no other one. Where that
        cannot be told, this waits until it has left, for a session at most.
        """
        is_static = bool(self._app.conf.consumer_group_instance_id)
        if self._app.producer_only or (moment is Moment.LOST and not is_static):
            return
        try:
            async with (
                asyncio.timeout(LOST_SECONDS if moment is Moment.LOST else None),
                running(Admin(self._options.connection)) as admin,
            ):
                await self._check(admin, moment)
        except (KafkaError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.info("Group does not say who its members are.", group=self._app.conf.id, error=error)

    async def _check(self, admin: Admin, moment: Moment) -> None:
        begun, is_told = monotonic(), False
        session_seconds = self._app.conf.broker_session_timeout
        rebalance_seconds = session_seconds if moment is Moment.JOINED else REBALANCE_SECONDS
        while True:
            members = await admin.members(self._app.conf.id)
            seconds, is_open = monotonic() - begun, members is None
            for member, other in self._alike(members or (), moment):
                alive = moment is Moment.LOST or await self._is_alive(other)
                if alive or (alive is None and seconds > session_seconds):
                    raise Misconfigured(self._refusal(member, other))
                if alive is None and not is_told:
                    log.warning("Waiting whether a member leaves.", reason=self._refusal(member, other))
                    is_told = True
                is_open |= alive is None
            if not is_open or (members is None and seconds > rebalance_seconds):
                return
            await asyncio.sleep(POLL_SECONDS)

    def _alike(
        self, members: Iterable[GroupMember], moment: Moment
    ) -> Iterator[tuple[GroupMember, MemberData]]:
        """Yield the other members with our instance id or address."""
        for member in members:
            other = member_data(member.user_data)
            if other.process is None or other.process == this_process():
                continue
            if moment is Moment.JOINED and other.process.started_ms > this_process().started_ms:
                continue
            if self._has_our_id(other) or (self._has_our_url(other) and moment is not Moment.LOST):
                yield member, other

    async def _is_alive(self, other: MemberData) -> bool | None:
        """Tell whether a member runs; None where only its absence could tell."""
        assert other.process is not None
        if other.process.machine == this_process().machine:
            return other.process.pid != os.getpid() and _is_running(other.process.pid)
        if is_loopback(URL(other.url).host or ""):
            return None  # who asks there, asks itself
        if await self._process_at(other.url) == other.process:
            return True
        return False if self._has_our_id(other) else None  # a static member may come back on another machine

    def _has_our_url(self, other: MemberData) -> bool:
        return other.url == str(self._app.conf.canonical_url)

    def _has_our_id(self, other: MemberData) -> bool:
        own = self._app.conf.consumer_group_instance_id
        return bool(own) and other.instance_id == own

    async def _process_at(self, url: str) -> WorkerProcess | None:
        address = f"{url.rstrip('/')}{PROCESS_PATH}"
        headers = self._options.peer_headers("GET", address)
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._app.http_client.get(address, headers=headers) as reply,
            ):
                return msgspec.json.decode(await reply.read(), type=WorkerProcess)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            return None

    def _refusal(self, member: GroupMember, other: MemberData) -> str:
        conf = self._app.conf
        subject = (
            f"instance id is '{other.instance_id}' (DATAFLOW_INSTANCE_ID)"
            if self._has_our_id(other)
            else f"address of this worker is {other.url} (DATAFLOW_ADVERTISED_HOST, DATAFLOW_WEB_PORT)"
        )
        process = cast("WorkerProcess", other.process)
        return (
            f"{subject}, which another worker in group {conf.id} has: process {process.pid} on "
            f"{process.machine.partition('/')[0]} ({member.client_host}), reached at {other.url}; "
            "expected another one for each worker"
        )


def _is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"  # killed
    except PermissionError:
        return True  # another user's
    except OSError:
        return False
