"""Membership: a worker whose instance id or address another one in the group has is refused."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from time import monotonic
from typing import NamedTuple, cast

import faust
from yarl import URL

from dataflow.engine.address import is_loopback
from dataflow.engine.format_check import check_formats
from dataflow.engine.member_data import MemberData, WorkerProcess, member_data, this_process
from dataflow.engine.options import EngineOptions
from dataflow.engine.sibling_groups import siblings_of
from dataflow.engine.worker_processes import WorkerProcesses, is_running
from dataflow.errors import UNREADABLE, Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import GroupMember
from dataflow.logs import get_log

log = get_log(__name__)

POLL_SECONDS = 0.5
REBALANCE_SECONDS = 1.0
LOST_SECONDS = 5.0


class Moment(StrEnum):
    """When a worker asks who is in its group."""

    START = "start"
    JOINED = "joined"
    """Of two that have joined, the one that started later is refused."""
    LOST = "lost"
    """Whoever has our instance id now, has taken it over."""


class Alike(NamedTuple):
    """A member of a group that has something of ours, and what it has told the group about itself."""

    group: str
    member: GroupMember
    other: MemberData


class Membership:
    """Asks who is in this worker's group, and whether those that have its id or address are alive."""

    def __init__(self, app: faust.App, options: EngineOptions) -> None:
        self._app = app
        self._options = options
        self._processes = WorkerProcesses(app, options)

    @property
    def transactional_id(self) -> str:
        """An id that no other member has, as their addresses are checked; the same after a restart.

        A worker that is no member, and writes nothing, may have the address of one.
        """
        url = self._app.conf.canonical_url
        return f"{self._app.conf.id}-{url.host}-{url.port}" + "-no-member" * self._app.producer_only

    async def check(self, moment: Moment) -> None:
        """Raise `Misconfigured` if a worker that is alive has this one's instance id or address.

        So it does if one cannot read what this one would write; a rebalance may hide it until we have joined.

        A predecessor of this worker that the group has not missed yet is no other one. Where that
        cannot be told, this waits until it has left, for a session at most.
        """
        is_static = bool(self._app.conf.consumer_group_instance_id)
        session_seconds = self._app.conf.broker_session_timeout
        if self._app.producer_only or (moment is Moment.LOST and not is_static):
            return
        try:
            async with (
                asyncio.timeout(LOST_SECONDS if moment is Moment.LOST else None),
                running(Admin(self._options.connection)) as admin,
            ):
                await self._check(admin, moment)
                if moment is not Moment.LOST:
                    await check_formats(
                        admin, self._app.conf.id, session_seconds, self._rebalance_seconds(moment)
                    )
        except (KafkaError, OSError, TimeoutError, *UNREADABLE) as error:
            log.info("Group does not say who its members are.", group=self._app.conf.id, error=error)

    async def _check(self, admin: Admin, moment: Moment) -> None:
        begun, is_told = monotonic(), False
        session_seconds = self._app.conf.broker_session_timeout
        rebalance_seconds = self._rebalance_seconds(moment)
        while True:
            members = await admin.members(self._app.conf.id)
            seconds, is_open = monotonic() - begun, members is None
            siblings = {} if moment is Moment.LOST else await self._siblings(admin)
            for alike in self._alike({self._app.conf.id: members or (), **siblings}, moment):
                alive = moment is Moment.LOST or await self._is_alive(alike.other)
                if alive or (alive is None and seconds > session_seconds):
                    raise Misconfigured(self._refusal(alike))
                if alive is None and not is_told:
                    log.warning("Waiting whether a member leaves.", reason=self._refusal(alike))
                    is_told = True
                is_open |= alive is None
            if not is_open or (members is None and seconds > rebalance_seconds):
                return
            await asyncio.sleep(POLL_SECONDS)

    def _rebalance_seconds(self, moment: Moment) -> float:
        """Return how long the end of a rebalance is waited for: before we join, it may wait for us."""
        joined: float = self._app.conf.broker_session_timeout
        return joined if moment is Moment.JOINED else REBALANCE_SECONDS

    def _alike(self, groups: Mapping[str, Iterable[GroupMember]], moment: Moment) -> Iterator[Alike]:
        """Yield other members with our address, and those of our group with our instance id."""
        for group, member in ((group, member) for group, members in groups.items() for member in members):
            other = member_data(member.user_data)
            if other.process is None or other.process == this_process():
                continue
            if moment is Moment.JOINED and other.process.started_ms > this_process().started_ms:
                continue
            has_our_id = group == self._app.conf.id and self._has_our_id(other)
            if has_our_id or (self._has_our_url(other) and moment is not Moment.LOST):
                yield Alike(group, member, other)

    async def _siblings(self, admin: Admin) -> dict[str, Iterable[GroupMember]]:
        """Return the members of the other groups of this app."""
        app_id = self._options.app_id or self._app.conf.id
        try:
            groups = siblings_of(self._app.conf.id, app_id, await admin.groups())
            return {group: await admin.members(group) or () for group in groups}
        except KafkaError as error:  # our own group is asked all the same
            log.info("Groups of this app do not say who their members are.", error=error)
            return {}

    async def _is_alive(self, other: MemberData) -> bool | None:
        """Tell whether a member runs; None where only its absence could tell."""
        assert other.process is not None
        if other.process.machine == this_process().machine:
            return other.process.pid != os.getpid() and is_running(other.process.pid)
        if is_loopback(URL(other.url).host or ""):
            return None  # who asks there, asks itself
        if await self._processes.at(other.url) == other.process:
            return True
        return False if self._has_our_id(other) else None  # a static member may come back on another machine

    def _has_our_url(self, other: MemberData) -> bool:
        return other.url == str(self._app.conf.canonical_url)

    def _has_our_id(self, other: MemberData) -> bool:
        own = self._app.conf.consumer_group_instance_id
        return bool(own) and other.instance_id == own

    def _refusal(self, alike: Alike) -> str:
        group, member, other = alike
        subject = (
            f"instance id is '{other.instance_id}' (DATAFLOW_INSTANCE_ID)"
            if self._has_our_id(other) and group == self._app.conf.id
            else f"address of this worker is {other.url} (DATAFLOW_ADVERTISED_HOST, DATAFLOW_WEB_PORT)"
        )
        process = cast("WorkerProcess", other.process)  # without one it is not alike
        return (
            f"{subject}, which another worker in group {group} has: process {process.pid} on "
            f"{process.machine.partition('/')[0]} ({member.client_host}), reached at {other.url}; "
            "expected another one for each worker"
        )
