"""Position of a sink in one partition: the one place that decides what may be committed."""

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from dataflow.engine.dead_letters import RejectedRecord
from dataflow.instants import now_ms
from dataflow.kafka.errors import CommitFailedError
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.types import OffsetAndMetadata, TopicPartition
from dataflow.sinks.runner_note import SinkNote, note_of


class SinkOffsets(Protocol):
    """The offsets of one consumer: where it reads, and what its group has committed."""

    def member(self) -> GroupMetadata:
        """Return which member of the group the consumer is now."""

    async def committed(self, tp: TopicPartition) -> OffsetAndMetadata:
        """Return the committed offset of a partition, -1 if there is none, and what was noted beside it."""

    async def topic_id(self, topic: str) -> str:
        """Return the id of a topic, which no topic has that is made anew; empty for brokers before 2.8."""

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
        self._tried = 0  # a commit up to here may have succeeded though its answer was lost
        self._offsets = offsets
        self._member = offsets.member()  # of the generation that has got the partition

    @property
    def is_known(self) -> bool:
        """Tell whether the committed offset is known."""
        return self.committed_offset is not None

    async def find(self) -> None:
        """Ask up to where the partition is committed, and read on there.

        A topic that was created again is read from its beginning.
        """
        committed, metadata = await self._offsets.committed(self.tp)
        self.topic_id = await self._offsets.topic_id(self.tp.topic)
        stored_of = note_of(metadata).topic_id or self.topic_id
        self.note = replace(self.note, topic_id=self.topic_id or None)
        if self.topic_id not in ("", stored_of):  # created again: that offset is none of this topic
            start = await self._offsets.read_from(self.tp, -1)
            await self._commit(start, self.note, ())
        else:
            start = max(await self._offsets.read_from(self.tp, committed), committed)
        self.committed_offset = self.consumed = start

    async def is_of_another_topic(self) -> bool:
        """Tell whether the topic was deleted and created again since the position was found."""
        return await self._offsets.topic_id(self.tp.topic) not in ("", self.topic_id)

    async def commit(self, end: int, dead: Sequence[RejectedRecord] = ()) -> bool:
        """Commit `end`, with the dead letters below it; return false if there is nothing new to commit."""
        end = self._tried = max(end, self._known(), self._tried)
        note = self.note.succeeded(self.consumed if self.consumed > end else None)
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
