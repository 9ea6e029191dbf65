"""Sibling groups: the consumer groups of one app, which share out its streams; one takes each of them."""

from collections.abc import Collection, Iterable, Mapping

from faust.types import TP

from dataflow.engine.state import PartitionState
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import Connected, GroupMember, describe_members, list_groups
from dataflow.kafka.types import Connections

MARK = "-streams-"


def group_of(app_id: str, streams: Collection[str]) -> str:
    """Return the group of workers that take these streams; none are all, of the app's own group."""
    return f"{app_id}{MARK}{'.'.join(sorted(streams))}" if streams else app_id


def siblings_of(group_id: str, app_id: str, groups: Iterable[str]) -> list[str]:
    """Return which of these groups are others of the same app."""
    siblings = (group for group in groups if group == app_id or group.startswith(app_id + MARK))
    return sorted(group for group in siblings if group != group_id)


class TakenElsewhere(KafkaError):
    """Workers of another group of this app take a stream that is ours, too: both would count it."""


class SiblingGroups:
    """The other groups of an app, as the broker knows them now."""

    def __init__(self, app_id: str, group_id: str, connected: Connected) -> None:
        self.group_id = group_id
        """The group of this worker."""
        self._app_id = app_id
        self.connected = connected
        self._taken_elsewhere: set[str] = set()

    @property
    def client(self) -> Connections:
        """The connections to the broker; raises `KafkaError` while there are none."""
        client = self.connected.client
        if client is None:
            raise KafkaError("there is no connection to the broker; expected one in a moment")
        return client

    async def names(self) -> list[str]:
        """Return their names, whether or not they have members."""
        return siblings_of(self.group_id, self._app_id, await list_groups(self.client))

    async def members(self) -> list[GroupMember]:
        """Return the members of all of them; of one that is rebalancing, none."""
        client = self.client
        return [m for group in await self.names() for m in await describe_members(client, group) or ()]

    async def check_unless_ours(self, committed: Mapping[TP, int | None]) -> None:
        """Raise `TakenElsewhere` before tables are restored that are not ours to count; by their offsets."""
        await self.check_untaken(
            [tp for tp, at in committed.items() if at is None or tp.topic in self._taken_elsewhere]
        )

    async def check_untaken(self, tps: Collection[TP]) -> None:
        """Raise `TakenElsewhere` if a member of another group owns one of these partitions."""
        wanted = {tp.topic for tp in tps}
        self._taken_elsewhere = set()
        for group in await self.names() if wanted else ():
            members = await describe_members(self.client, group)
            taken = sorted(wanted & {topic for member in members or () for topic in member.partitions})
            if taken or members is None:
                self._taken_elsewhere = wanted
                what = f"of {', '.join(taken)}" if taken else "of nobody knows yet what"
                raise TakenElsewhere(
                    f"group {group} has workers {what}; expected each stream in one group: "
                    "stop these workers, or give them other streams (DATAFLOW_STREAMS)"
                )

    async def adopt(self, states: Mapping[TP, PartitionState]) -> set[TP]:
        """Return the partitions that another group has counted before, and make them ours.

        Raises `TakenElsewhere`. What our group has committed of them is of long ago.
        """
        others = {tp for tp, state in states.items() if (state.group or self._app_id) != self.group_id}
        await self.check_untaken(others)
        for tp in others:
            states[tp].group, states[tp].must_commit = self.group_id, True
        return others
