"""Truncation: what was read and what was fetched in; whether the log has lost some of it out."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from partition_bench import EVENT_TIME, Bench

from dataflow.engine import truncation
from dataflow.engine.pauses import PauseCause, StreamPauses
from dataflow.engine.truncation import OffsetsWentBack, check_truncation, find_truncated, pause_truncated
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.leader_epochs import NO_EPOCH
from dataflow.kafka.types import TopicPartition

READ_TO, EPOCH = 100, 3


def fetched(epoch: int) -> Fetched:
    """Return the next records, which a leader of this epoch has stored."""
    return Fetched(READ_TO, READ_TO + 1, [], 10, epoch, epoch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what the broker is asked; the log ends at offset 40 for epoch 3, it knows no other."""
    asked: list[object] = []

    async def ends_of_epochs(client: object, epochs: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        asked.append(epochs)
        return {tp: 40 for tp, epoch in epochs.items() if epoch == EPOCH}

    monkeypatch.setattr(truncation, "ends_of_epochs", ends_of_epochs)
    return asked


async def check(read_epoch: int, next_epoch: int) -> None:
    """Check what comes behind records of one epoch."""
    partition = Bench().partition
    partition.delivered, partition.delivered_epoch = READ_TO, read_epoch
    await check_truncation(cast("Any", SimpleNamespace(client=None)), partition, fetched(next_epoch))


@pytest.mark.parametrize(("read", "following"), [(EPOCH, EPOCH), (NO_EPOCH, 5), (EPOCH, NO_EPOCH)])
async def test_nothing_is_asked_while_the_leader_is_the_same_or_unknown(asked, read, following):
    """Each question is a round trip; a log of before format 2 has no epochs."""
    await check(read, following)
    assert not asked


async def test_another_leader_without_what_was_read_is_told(asked):
    """The records from offset 40 on are others than those that were read."""
    with pytest.raises(
        OffsetsWentBack, match="read up to offset 100, and of that its leader has what is below 40"
    ):
        await check(EPOCH, EPOCH + 2)


async def test_another_leader_that_does_not_know_the_epoch_says_nothing(asked):
    """As of a topic that was made anew, whose epochs begin anew: its id tells that."""
    await check(EPOCH + 1, EPOCH + 2)
    assert asked


async def test_epochs_are_kept_with_positions(asked):
    """What is committed next is committed with the epoch of the last record that was read."""
    bench = Bench()
    bench.partition.deliver(EVENT_TIME, Fetched(0, 2, [], 90, 4, 5))
    assert bench.partition.delivered_epoch == 5
    assert bench.partition.snapshot().leader_epoch == 5


@pytest.mark.parametrize(("committed", "truncated"), [(40, {}), (41, {TP("t", 0): 40}), (7, {})])
async def test_recovery_reads_on_where_both_logs_agree(asked, monkeypatch, committed, truncated):
    """Behind it are records that nobody has read; before it, all are those that were read."""

    async def committed_epochs(*_: object) -> dict[TopicPartition, int]:
        return {TopicPartition("t", 0): EPOCH}

    monkeypatch.setattr(truncation, "committed_epochs", committed_epochs)
    state, client = Bench().partition.state, cast("Any", None)
    assert await find_truncated(client, "group", {TP("t", 0): committed}, {TP("t", 0): state}) == truncated
    assert state.leader_epoch == EPOCH


def test_a_pause_says_how_to_go_on():
    """Somebody may restore the log before."""
    pauses = StreamPauses()
    pause_truncated(TP("t", 0), 100, 40, pauses)
    pause = pauses.get("t")
    assert pause is not None
    assert pause.cause is PauseCause.TOPIC_MADE_ANEW
    assert "from offset 40 on" in pause.awaited
