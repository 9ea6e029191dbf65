"""Truncation: whether what was read of a log is still what its leader has (KIP-320).

A disk that is replaced, or the election of a replica that was behind, takes records from the end of a log,
and new ones get their offsets. Who knows only the offset then goes on behind what was never read.
"""

from collections.abc import Mapping

from faust.types import TP

from dataflow.engine.partition import Partition
from dataflow.engine.pauses import PauseCause, StreamPauses
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.state import PartitionState
from dataflow.errors import DataflowError
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.leader_epochs import NO_EPOCH, ends_of_epochs
from dataflow.kafka.offset_fetch import committed_epochs
from dataflow.kafka.types import Connections, TopicPartition


class OffsetsWentBack(DataflowError):
    """A source ends at `end`, before what was read: it is another topic, or its broker has lost records."""

    def __init__(self, message: str, end: int) -> None:
        super().__init__(message)
        self.end = end


async def find_truncated(
    client: Connections, group_id: str, committed: Mapping[TP, int], states: Mapping[TP, PartitionState]
) -> dict[TP, int]:
    """Return where the logs end that have lost some of what is committed: there they have to be read on.

    Notes the leader epochs that were committed in the states. Raises `KafkaError`.
    """
    epochs = await committed_epochs(client, group_id, [TopicPartition(*tp) for tp in committed])
    for tp, epoch in epochs.items():
        states[TP(*tp)].leader_epoch = epoch
    ends = await ends_of_epochs(client, epochs)
    return {TP(*tp): end for tp, end in ends.items() if end < committed[TP(*tp)]}


async def check_truncation(siblings: SiblingGroups, partition: Partition, fetched: Fetched) -> None:
    """Raise `OffsetsWentBack` if the log that was fetched lacks some of what was read before.

    Only another leader can lack it: there is a question to the broker where the leader epoch changes.
    """
    tp, epoch = partition.tp, partition.delivered_epoch
    if NO_EPOCH in (epoch, fetched.first_epoch) or epoch == fetched.first_epoch:
        return
    end = (await ends_of_epochs(siblings.client, {tp: epoch})).get(tp, fetched.first)
    if end < fetched.first:
        raise OffsetsWentBack(_detail(TP(*tp), fetched.first, end), end)


def pause_truncated(tp: TP, position: int, end: int, pauses: StreamPauses) -> None:
    """Pause the stream of a log that ends before the position, up to which it was read."""
    detail, awaited = _detail(tp, position, end), to_go_on_at(tp.topic, end)
    pauses.begin(tp.topic, PauseCause.TOPIC_MADE_ANEW, detail, awaited)


def _detail(tp: TP, position: int, end: int) -> str:
    return (
        f"{tp.topic}/{tp.partition} was read up to offset {position}, and of that its leader has what is "
        f"below {end}; expected all. Its brokers have lost records (a disk, or "
        "unclean.leader.election.enable), and others have come in their place"
    )


def to_go_on_at(topic: str, end: int) -> str:
    """Return what has a stream go on whose log has lost records."""
    return (
        f"`dataflow streams resume {topic}`, to read what is there from offset {end} on and go on counting "
        "(`dataflow tables rebuild` rebuilds a table)"
    )
