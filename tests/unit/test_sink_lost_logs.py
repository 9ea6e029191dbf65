"""Where a sink goes on whose log has lost records, and under which id it stores what has come since."""

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from sinks.sink_group import Group, GroupOffsets

from dataflow.errors import SinkUnavailable
from dataflow.sinks.runner_note import SinkNote, note_of
from dataflow.sinks.runner_position import SinkPosition

TP = TopicPartition("events", 0)


class LostOffsets(GroupOffsets):
    """The offsets of a worker whose leader has lost what is at `lost_at` and behind it."""

    def __init__(self, group: Group, lost_at: int | None) -> None:
        super().__init__(group)
        self._lost_at = lost_at
        self.questions: list[tuple[int, int | None]] = []

        self.id = "id"

    async def topic_id(self, topic: str) -> str:
        """Return the id that the topic keeps, or none while it is missing."""
        return self.id

    async def lost_at(self, tp: TopicPartition, offset: int, leader_epoch: int | None) -> int | None:
        """Answer as the leader."""
        self.questions.append((offset, leader_epoch))
        return self._lost_at if self._lost_at is not None and self._lost_at < offset else None

    async def commit(self, member, tp, noted, dead) -> None:
        """Commit, also below what is committed: that is of the log before."""
        self.group.committed = noted


async def found(lost_at: int | None, offset: int = 100, **noted: int) -> tuple[SinkPosition, LostOffsets]:
    """Return the position of a sink that begins where `noted` is beside the committed offset."""
    group = Group(offset)
    group.committed = OffsetAndMetadata(offset, SinkNote(topic_id="id", **noted).as_metadata())
    offsets = LostOffsets(group, lost_at)
    group.rebalance(offsets)
    position = SinkPosition(TP, offsets)
    await position.find()
    return position, offsets


@pytest.mark.parametrize(("lost_at", "start"), [(40, 40), (-1, 0)])
async def test_a_sink_goes_on_where_both_logs_agree_under_another_id(lost_at: int, start: int):
    """Nothing that has come since is skipped, and nothing takes the place of what is stored."""
    position, offsets = await found(lost_at, leader_epoch=3)
    assert (position.committed_offset, position.log_id) == (start, "3-id")
    assert offsets.group.committed.offset == start
    again = SinkPosition(TP, offsets)
    await again.find()
    assert again.log_id == "3-id"


async def test_a_log_that_has_everything_keeps_its_id():
    """Another leader alone changes nothing."""
    position, offsets = await found(None, leader_epoch=3)
    assert (position.committed_offset, position.log_id) == (100, "id")
    assert offsets.questions == [(100, 3)]


async def test_a_log_that_loses_records_once_more_gets_one_more_id():
    """What came after the first loss is stored under its id, and stays."""
    position, _ = await found(40, leader_epoch=5, lost_after=3)
    assert position.log_id == "5-id"


async def test_a_loss_before_anything_new_was_stored_needs_no_further_id():
    """Nothing stands under the id of the first one."""
    position, _ = await found(40, lost_after=3)
    assert position.log_id == "3-id"


@pytest.mark.parametrize(("lost_at", "start", "log_id"), [(70, 50, "id"), (50, 50, "3-id"), (20, 20, "3-id")])
async def test_what_was_only_buffered_may_be_lost(lost_at: int, start: int, log_id: str):
    """It is not stored for good; but a part of it may be in the bucket, and is replaced only by its like."""
    position, offsets = await found(lost_at, 50, consumed=100, leader_epoch=3)
    assert offsets.questions == [(100, 3)]
    assert (position.committed_offset, position.log_id) == (start, log_id)


async def test_a_topic_that_is_missing_is_waited_for():
    """A sink that began meanwhile did not notice which topic came, and read on at its offset."""
    _, offsets = await found(None)
    offsets.id = ""
    position = SinkPosition(TP, offsets)
    with pytest.raises(SinkUnavailable, match="topic events is missing; expected it to exist"):
        await position.find()
    assert not position.is_known


async def test_the_epoch_of_the_last_record_is_noted_beside_the_offset():
    """The next worker asks with it."""
    position, offsets = await found(None)
    position.consumed, position.leader_epoch = 120, 7
    await position.commit(120)
    assert note_of(offsets.group.committed.metadata).leader_epoch == 7
