"""Position of a sink in one partition: the one place that decides what may be committed."""

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from dataflow.engine.dead_letters import RejectedRecord
from dataflow.errors import SinkUnavailable
from dataflow.instants import now_ms
from dataflow.kafka.errors import CommitFailedError
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.types import OffsetAndMetadata, TopicPartition
from dataflow.logs import get_log
from dataflow.sinks.runner_note import SinkNote, note_of

log = get_log(__name__)


class SinkOffsets(Protocol):
    """The offsets of one consumer: where it reads, and what its group has committed."""

    def member(self) -> GroupMetadata:
        """Return which member of the group the consumer is now."""

    async def committed(self, tp: TopicPartition) -> OffsetAndMetadata:
        """Return the committed offset of a partition, -1 if there is none, and what was noted beside it."""

    async def topic_id(self, topic: str) -> str:
        """Return the id of a topic, which no topic has that is made anew; empty for brokers before 2.8."""

    async def lost_at(self, tp: TopicPartition, offset: int, leader_epoch: int | None) -> int | None:
        """Return where a log ends that has lost some of what was below an offset, up to this epoch.

        -1 if nothing of it can be told from what has come in its place; None if the log has all of it.
        """

    async def read_from(self, tp: TopicPartition, offset: int) -> int:
        """Read on at an offset, at the begin of the log for -1; return it."""

    async def commit(
        self,
        member: GroupMetadata,
        tp: TopicPartition,
        noted: OffsetAndMetadata,
        dead: Sequence[RejectedRecord],
    ) -> None:
        """Commit an offset as this member, with the dead letters below it."""


class SinkPosition:
    """Where a sink stands in one partition, for as long as one assignment lasts.

    Nothing is committed before the committed offset is known, nothing below it, and nothing
    as a member of another generation than the one that got the partition.
    """

    def __init__(self, tp: TopicPartition, offsets: SinkOffsets) -> None:
        self.tp = tp
        self.note = SinkNote()
        self.committed_offset: int | None = None
        """Everything below this offset is stored and committed; None: not known yet."""
        self.consumed = 0
        """The sink has consumed everything below this offset, and may still buffer some of it."""
        self.topic_id = ""
        self.leader_epoch: int | None = None
        """Of the last record that the sink has consumed; None: unknown."""
        self._tried = 0  # a commit up to here may have succeeded though its answer was lost
        self._offsets = offsets
        self._member = offsets.member()  # of the generation that has got the partition

    @property
    def is_known(self) -> bool:
        """Tell whether the committed offset is known."""
        return self.committed_offset is not None

    async def find(self) -> None:
        """Ask up to where the partition is committed, and read on there.

        A topic that was created again is read from its beginning, a log that has lost records from where
        they are missing. Raises `SinkUnavailable` for a topic that is missing.
        """
        committed, metadata = await self._offsets.committed(self.tp)
        self.topic_id = await self._offsets.topic_id(self.tp.topic)
        noted = note_of(metadata)
        if noted.topic_id and not self.topic_id:  # being created again: its id must not be missed
            raise SinkUnavailable(f"topic {self.tp.topic} is missing; expected it to exist. Create it")
        self.note = replace(self.note, topic_id=self.topic_id or None)
        if self.topic_id not in ("", noted.topic_id or self.topic_id):  # that offset is none of this topic
            start = await self._begin_at(-1)
        elif (lost_at := await self._lost_below(committed, noted)) is not None:
            lost_after = noted.lost_after if noted.leader_epoch is None else noted.leader_epoch
            self.note = replace(self.note, lost_after=-1 if lost_after is None else lost_after)
            start = await self._begin_at(lost_at)
            log.warning(
                "Log has lost records that are stored; those in their place have another origin.",
                topic=self.tp.topic, partition=self.tp.partition, offset=start, stored_up_to=committed,
            )  # fmt: skip
        else:
            self.note = replace(self.note, leader_epoch=noted.leader_epoch, lost_after=noted.lost_after)
            self.leader_epoch = noted.leader_epoch
            start = max(await self._offsets.read_from(self.tp, committed), committed)
        self.committed_offset = self.consumed = start

    async def _begin_at(self, offset: int) -> int:
        """Read on and commit at an offset below the committed one, which is of another log."""
        start = await self._offsets.read_from(self.tp, offset)
        await self._commit(start, self.note, ())
        return start

    async def _lost_below(self, committed: int, noted: SinkNote) -> int | None:
        """Return where the log ends that has lost records below the committed offset, or up to it.

        None, too, if it has lost only records that the sink has buffered: those in their place are buffered
        instead.
        """
        lost_at = await self._lost_at(max(committed, noted.consumed or 0), noted.leader_epoch)
        return None if lost_at is None or lost_at > committed else lost_at

    async def _lost_at(self, offset: int, leader_epoch: int | None) -> int | None:
        if not self.topic_id or offset < 0:  # no other origin, or nothing is stored
            return None
        return await self._offsets.lost_at(self.tp, offset, leader_epoch)

    @property
    def log_id(self) -> str:
        """Id of the log that is read: of the topic, or another one since the log has lost records."""
        lost_after = self.note.lost_after
        return self.topic_id if lost_after is None else f"{lost_after}-{self.topic_id}"

    async def is_of_another_log(self, offset: int, leader_epoch: int | None) -> bool:
        """Tell whether the log lacks some of what was read below an offset, or is of another topic."""
        is_lost = await self._lost_at(offset, leader_epoch) is not None
        return is_lost or await self.is_of_another_topic()

    async def is_of_another_topic(self) -> bool:
        """Tell whether the topic was deleted and created again since the position was found."""
        return await self._offsets.topic_id(self.tp.topic) not in ("", self.topic_id)

    async def commit(self, end: int, dead: Sequence[RejectedRecord] = ()) -> bool:
        """Commit `end`, with the dead letters below it; return false if there is nothing new to commit."""
        end = self._tried = max(end, self._known(), self._tried)
        note = self.note.succeeded(self.consumed if self.consumed > end else None, self.leader_epoch)
        if end == self.committed_offset and note == self.note:
            return False
        await self._commit(end, note, dead)
        self.committed_offset, self.note = end, note
        return True

    async def note_failure(self, error: Exception) -> None:
        """Note a failed attempt beside the committed offset, while that is known."""
        self.note = self.note.failed(error, now_ms())
        if self.committed_offset is not None and self._tried <= self.committed_offset:
            await self._commit(self.committed_offset, self.note, ())

    async def _commit(self, end: int, note: SinkNote, dead: Sequence[RejectedRecord]) -> None:
        now = self._offsets.member()
        if now != self._member or now.generation < 0:
            raise CommitFailedError(
                f"partition is of generation {self._member.generation}, now {now.generation}"
            )
        await self._offsets.commit(self._member, self.tp, OffsetAndMetadata(end, note.as_metadata()), dead)

    def _known(self) -> int:
        if self.committed_offset is None:
            raise AssertionError(
                f"committed offset of {self.tp} is not known; expected `find` before a commit"
            )
        return self.committed_offset
