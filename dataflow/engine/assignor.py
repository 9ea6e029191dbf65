"""The assignor: what members of the group tell it, and which partitions its leader gives to each.

Faust's sends the owners of all partitions with every join and to every member: at fifty
workers the group's record is too large for the broker. Here each member sends and gets its own
partitions only; `router.py` asks the group for those of the others.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from faust.assignor import PartitionAssignor
from faust.assignor.client_assignment import ClientAssignment

from dataflow.engine.member_data import (
    VERSION,
    MemberData,
    OwnPartitions,
    encode,
    member_data,
    this_process,
)
from dataflow.engine.spread import spread
from dataflow.engine.tables.changelog import FORMAT_VERSION, OLDEST_WRITTEN
from dataflow.kafka.types import ClusterMetadata, MemberAssignment, MemberMetadata
from dataflow.logs import get_log

log = get_log(__name__)


class Assignor(PartitionAssignor):
    """Faust's assignor with small messages; shares are even over all topics, and few partitions move."""

    members = 1
    """How many there are in the group."""
    changelog_format = FORMAT_VERSION
    """What is written to changelogs: the latest format that all members read."""

    @property
    def version(self) -> int:
        """The version of what this member sends."""
        return VERSION

    def metadata(self, topics: Collection[str]) -> MemberMetadata:
        """Return what this member tells the group when it joins."""
        own = OwnPartitions(self._assignment.actives, self._assignment.standbys)
        instance_id = self.app.conf.consumer_group_instance_id
        data = MemberData(own, str(self._url), instance_id=instance_id, process=this_process())
        data.changelog_format = FORMAT_VERSION
        return MemberMetadata(VERSION, list(topics), encode(data))

    def on_assignment(self, assignment: MemberAssignment) -> None:
        """Take the partitions that the leader has given to this member.

        The leader may know another address of a static member that has just come back.
        """
        data = member_data(zlib.decompress(assignment.user_data))
        self._assignment = ClientAssignment(
            actives=data.assignment.actives, standbys=data.assignment.standbys
        )
        self._topic_groups, self.members = data.topic_groups, max(data.members, 1)
        read_by_all = data.format_of(assignment.version)
        self.changelog_format = max(OLDEST_WRITTEN, min(read_by_all, FORMAT_VERSION))
        if read_by_all < FORMAT_VERSION:
            log.info(
                "Changelogs are written in an earlier format, for members of an earlier release.",
                format=self.changelog_format,
            )
        self._active_tps, self._standby_tps = self._assignment.active_tps, self._assignment.standby_tps

    def _perform_assignment(
        self, cluster: ClusterMetadata, member_metadata: Mapping[str, MemberMetadata]
    ) -> dict[str, MemberAssignment]:
        """Return what the leader, which this member is, sends to each member."""
        members = {member: member_data(metadata.user_data) for member, metadata in member_metadata.items()}
        assignments = {member: ClientAssignment(actives={}, standbys={}) for member in members}
        topic_groups: dict[str, int] = {}
        counts: dict[str, int] = {}
        load = Counter(dict.fromkeys(members, 0))
        together = _topics_together(cluster, member_metadata)
        for number, ((count, subscribers), topics) in enumerate(together):
            current = {member: _held(members[member], topics) for member in subscribers}
            for member, share in spread(count, current, load).items():
                assignments[member].actives.update({topic: list(share) for topic in topics})
                load[member] += len(share) * len(topics)
            counts |= dict.fromkeys(topics, count)
            topic_groups |= dict.fromkeys(topics, number)
        self._global_table_standby_assignments(assignments, counts)
        old = {member for member, sent in member_metadata.items() if sent.version < VERSION}
        read_by_all = min(members[member].format_of(sent.version) for member, sent in member_metadata.items())
        self._member_urls = {member: data.url for member, data in members.items()}
        return {
            member: self._message(member, assignments, topic_groups, read_by_all, with_owners=member in old)
            for member in members
        }

    def _message(
        self,
        member: str,
        assignments: dict[str, ClientAssignment],
        topic_groups: dict[str, int],
        read_by_all: int,
        *,
        with_owners: bool,
    ) -> MemberAssignment:
        own = assignments[member]
        data = MemberData(OwnPartitions(own.actives, own.standbys), self._member_urls[member])
        data.topic_groups, data.members = topic_groups, len(assignments)
        data.changelog_format = read_by_all
        if with_owners:
            data.changelog_distribution = self._get_changelog_distribution(assignments)
            data.external_topic_distribution = self._get_external_topic_distribution(assignments)
        partitions = sorted(own.kafka_protocol_assignment(self._table_manager))
        return MemberAssignment(VERSION, partitions, zlib.compress(encode(data)))


def _topics_together(
    cluster: ClusterMetadata, member_metadata: Mapping[str, MemberMetadata]
) -> list[tuple[tuple[int, tuple[str, ...]], list[str]]]:
    """Return the topics, by number of partitions and subscribers: those of one entry are co-partitioned."""
    subscribers: defaultdict[str, list[str]] = defaultdict(list)
    for member, metadata in sorted(member_metadata.items()):
        for topic in metadata.subscription:
            subscribers[topic].append(member)
    together: defaultdict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
    for topic, members in sorted(subscribers.items()):
        if count := len(cluster.partitions_for_topic(topic) or ()):
            together[count, tuple(members)].append(topic)
        else:
            log.warning("Topic has no partitions that the broker knows; nobody reads it.", topic=topic)
    return sorted(together.items())


def _held(data: MemberData, topics: Iterable[str]) -> list[int]:
    """Return what a member owns of topics that are co-partitioned; a new one among them has none yet."""
    actives = data.assignment.actives
    return next((actives[topic] for topic in topics if actives.get(topic)), [])
