"""Topic identity: whether source topics and changelogs are still those that were counted (KIP-516)."""

from collections.abc import Iterable, Mapping

from dataflow.engine.partition import Partition
from dataflow.engine.pauses import PauseCause, StreamPauses
from dataflow.engine.state import PartitionState
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.topic_ids import topic_ids
from dataflow.kafka.types import TopicPartition

Ids = Mapping[str, str]
"""The id of each topic that exists; empty for a broker that has none (before 2.8)."""


def check_changelog(state: PartitionState, changelog: str, ids: Ids) -> None:
    """Suspend the tables if the changelog is not the topic that they were written to."""
    before, now = state.changelog_id, ids.get(changelog, "")
    if before and now and before != now:
        state.suspend(
            f"changelog {changelog} was deleted and created again: its id is {now}; expected {before}, "
            "and what it had is lost"
        )
    state.changelog_id = now or before


def to_go_on(topic: str) -> str:
    """Return what has a stream go on whose source begins anew."""
    return (
        f"`dataflow streams resume {topic}`, to read the new topic from its beginning and go on counting "
        "(`dataflow tables rebuild` rebuilds a table)"
    )


def check_source(tp: TopicPartition, state: PartitionState, ids: Ids, pauses: StreamPauses) -> bool:
    """Tell whether the source is the topic that was counted; pause its stream if not.

    When it goes on it reads the new topic from its begin.
    """
    before, now = state.topic_id, ids.get(tp.topic, "")
    state.topic_id = now or before
    if not (before and now and before != now):
        return True
    pauses.begin(
        tp.topic,
        PauseCause.TOPIC_MADE_ANEW,
        f"topic {tp.topic} was deleted and created again: its id is {now}; expected {before}, which was "
        f"counted up to offset {state.position} of partition {tp.partition}",
        to_go_on(tp.topic),
    )
    return False


MADE_ANEW = "a topic was made anew"
"""Why a worker recovers its partitions once more."""


class TopicMadeAnew(KafkaError):
    """A topic is not the one with which its partitions began: what was read since then may be another's."""


async def check_same(
    producer: TransactionalProducer, partitions: Iterable[Partition], changelogs: Mapping[str, str]
) -> None:
    """Raise `TopicMadeAnew` if a topic of these partitions is not the one with which they began.

    What was read before is of the topic that they began with then, as an id does not come back.
    """
    begun: dict[str, str] = {}
    for partition in partitions:
        begun[partition.tp.topic] = partition.state.topic_id
        begun[changelogs[partition.tp.topic]] = partition.state.changelog_id
    ids = await topic_ids(producer.client, begun.keys()) if begun else {}
    for topic, before in begun.items():
        if before and ids.get(topic, before) != before:
            raise TopicMadeAnew(f"id of topic {topic} is {ids[topic]}; expected {before}")
