"""Leaderless partitions: those that brokers have had no leader of for so long that it is no election."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic

from dataflow.kafka.topic_states import TopicState
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

ELECTION_SECONDS = 3.0


class Leaderless:
    """Remembers since when partitions have no leader; says which are waited for."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[TopicPartition, float] = {}
        self._lasting: frozenset[TopicPartition] = frozenset()
        self.new: frozenset[TopicPartition] = frozenset()
        """Those that the last look was the first to find."""

    @property
    def is_electing(self) -> bool:
        """Tell whether some partition has had no leader for a moment, and may have one at once."""
        return len(self._lasting) < len(self._since)

    def without_elections(self, states: Mapping[str, TopicState]) -> dict[str, TopicState]:
        """Return these states without the partitions of which a leader may be being elected."""
        now = self._clock()
        found = {
            TopicPartition(topic, number) for topic, state in states.items() for number in state.leaderless
        }
        self._since = {tp: self._since.get(tp, now) for tp in found}
        lasting = frozenset(tp for tp, since in self._since.items() if now - since >= ELECTION_SECONDS)
        self._tell(lasting)
        return {
            topic: replace(
                state,
                leaderless=frozenset(n for n in state.leaderless if TopicPartition(topic, n) in lasting),
            )
            for topic, state in states.items()
        }

    def _tell(self, lasting: frozenset[TopicPartition]) -> None:
        before, self._lasting = self._lasting, lasting
        self.new = lasting - before
        for tp in sorted(self.new):
            log.warning(
                "Partition has no leader; waiting for one.",
                topic=tp.topic,
                partition=tp.partition,
                awaited="a broker that has this partition in sync",
            )
        for tp in sorted(before - lasting):
            log.info("Partition has a leader again.", topic=tp.topic, partition=tp.partition)
