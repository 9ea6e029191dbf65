"""A consumer group with the rules of Kafka's broker, and what its members see of it."""

from collections.abc import Sequence

from aiokafka.errors import GroupCoordinatorNotAvailableError, IllegalGenerationError, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.engine.dead_letters import RejectedRecord
from dataflow.kafka.offset_commit import GroupMetadata

NOBODY = GroupMetadata(-1, "", None)


class Group:
    """One partition's committed offset; a commit that takes it back is the fault that tests look for."""

    def __init__(self, committed: int = -1, log_begin: int = 0) -> None:
        self.committed = OffsetAndMetadata(committed, "")
        self.log_begin = log_begin
        self.generation = 0
        self.owner: GroupMetadata | None = None
        self.commits: list[int] = []

    def rebalance(self, worker: "GroupOffsets") -> None:
        """Give the partition to a worker."""
        self.generation += 1
        self.owner = worker.now = GroupMetadata(self.generation, f"member-{id(worker)}", None)

    def forget(self, worker: "GroupOffsets") -> None:
        """Remove a member; the group may be empty then."""
        if self.owner is not None and self.owner.member_id == worker.now.member_id:
            self.owner = None

    def commit(self, member: GroupMetadata, noted: OffsetAndMetadata) -> None:
        """Commit as a broker does: from nobody, too, while there are no members."""
        is_from_outside = member.generation < 0 and self.owner is None
        if not is_from_outside and (self.owner is None or member.member_id != self.owner.member_id):
            raise UnknownMemberIdError
        if not is_from_outside and member.generation != self.generation:
            raise IllegalGenerationError
        assert noted.offset >= self.committed.offset, f"back from {self.committed} to {noted}"
        assert noted.offset >= 0
        assert self.committed.offset >= 0 or noted.offset >= self.log_begin
        self.commits.append(noted.offset)
        self.committed = noted


class GroupOffsets:
    """The offsets of one worker, whose view of the group may be old."""

    consumer = None

    def __init__(self, group: Group) -> None:
        self.group = group
        self.now = NOBODY
        self.fails = self.loses_answers = False
        self.asked = 0

    def lose_session(self) -> None:
        """Learn that the group knows us no more."""
        self.now = NOBODY

    def member(self) -> GroupMetadata:
        """Return who we are now, as far as we know."""
        return self.now

    async def topic_id(self, topic: str) -> str:
        """Return no id."""
        return ""

    async def lost_at(self, tp: TopicPartition, offset: int, leader_epoch: int | None) -> None:
        """Say that the log has all."""

    async def committed(self, tp: TopicPartition) -> OffsetAndMetadata:
        """Answer, or not."""
        self.asked += 1
        if self.fails:
            raise GroupCoordinatorNotAvailableError("coordinator is away")
        return self.group.committed

    async def read_from(self, tp: TopicPartition, offset: int) -> int:
        """Return where the log begins, for none."""
        return self.group.log_begin if offset < 0 else offset

    async def commit(
        self,
        member: GroupMetadata,
        tp: TopicPartition,
        noted: OffsetAndMetadata,
        dead: Sequence[RejectedRecord],
    ) -> None:
        """Commit as whoever we are by now, as aiokafka does."""
        self.group.commit(self.now, noted)
        if self.loses_answers:
            raise GroupCoordinatorNotAvailableError
