"""Dead members: workers that have ended without leaving their group are taken out of it by others."""

from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter

from mode import Service

from dataflow.engine.engine import Engine
from dataflow.engine.member_data import MemberData, WorkerProcess, member_data, this_process
from dataflow.engine.worker_processes import WorkerProcesses
from dataflow.errors import UNREADABLE
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import GroupMember, describe_members
from dataflow.kafka.leave_group import remove_dead
from dataflow.logs import get_log

log = get_log(__name__)

POLL_SECONDS = 0.5
NEIGHBOURS = 2
"""So many members each worker looks after: with any number of them that is little work."""


class DeadMembers(Service):
    """Looks after the next members of the group, so that their partitions do not stand for a whole session.

    A member with an instance id is left alone: it is to come back, and its partitions wait for it.
    Nobody on another machine is taken out who was never seen alive, and nobody twice: an address
    may be wrong. Somebody who is taken out by mistake joins again; what was not committed is
    done again, nothing is written twice.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(loop=engine.loop, beacon=engine.beacon)
        self._engine = engine
        self._processes = WorkerProcesses(engine.app, engine.options)
        self._generation = -1
        self._neighbours: Sequence[tuple[GroupMember, MemberData]] = ()
        self._seen: set[WorkerProcess] = set()
        self._taken_out: set[WorkerProcess] = set()

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(POLL_SECONDS)
            with suppress(KafkaError, OSError, TimeoutError, *UNREADABLE):  # a session tells, then
                await self._look()

    async def _look(self) -> None:
        """Look in a rebalance, too, which waits for everybody who was there: then for those of before."""
        engine = self._engine
        own = engine.group.group_metadata
        if own is None:
            return
        if own.generation != self._generation:
            members = await describe_members(engine.siblings.client, engine.app.conf.id)
            if members is not None:
                self._generation, self._neighbours = own.generation, _after(own.member_id, members)
        for member, data in self._neighbours:
            if data.process is not None and await self._has_ended(data.process, data.url):
                await self._take_out(member, data.process, data.url)

    async def _has_ended(self, process: WorkerProcess, url: str) -> bool:
        is_alive = await self._processes.is_alive(process, url)
        if is_alive:
            self._seen.add(process)
        is_known = process.machine == this_process().machine or process in self._seen
        return is_alive is False and is_known and process not in self._taken_out

    async def _take_out(self, member: GroupMember, process: WorkerProcess, url: str) -> None:
        client, group = self._engine.siblings.client, self._engine.app.conf.id
        self._taken_out.add(process)  # also if it fails: a session tells the group, too
        if not await remove_dead(client, group, member.member_id):
            return  # it has left by itself, or somebody else has taken it out
        log.warning(
            "Worker has ended without leaving its group; others take its partitions.",
            url=url,
            process=process.pid,
            machine=process.machine.partition("/")[0],
            group=group,
        )


def _after(own_id: str, members: Sequence[GroupMember]) -> list[tuple[GroupMember, MemberData]]:
    """Return the members that come next in the order of ids, from the first on after the last."""
    ordered = sorted(members, key=attrgetter("member_id"))
    later = [member for member in ordered if member.member_id > own_id]
    earlier = [member for member in ordered if member.member_id < own_id]
    told = [(member, member_data(member.user_data)) for member in [*later, *earlier][:NEIGHBOURS]]
    return [(member, data) for member, data in told if data.instance_id is None]
