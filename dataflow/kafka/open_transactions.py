"""Open transactions: records that nobody can read before a producer ends its transaction."""

from collections.abc import Callable, Mapping
from itertools import groupby
from time import monotonic

from dataflow.kafka.reading import to_end_transaction
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

REMINDER_SECONDS = 30.0


class OpenTransactions:
    """Says, twice a minute, which partitions have had records for so long that cannot be read.

    A reader sees nothing behind an open transaction, whoever wrote it, and has no lag. Brokers end one after
    the timeout of its producer: mostly a minute, at most `transaction.max.timeout.ms`.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[TopicPartition, tuple[int, float]] = {}
        """At which offset a partition is held up, and when that was first seen."""
        self._told_at = -REMINDER_SECONDS

    def remind(self, ends: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Look at partitions: up to where each can be read, and where it ends, by its last fetch."""
        now = self._clock()
        held_up = {tp: stable for tp, (stable, last) in ends.items() if stable < last}
        before = self._since
        self._since = {
            tp: before[tp] if tp in before and before[tp][0] == end else (end, now)
            for tp, end in held_up.items()
        }
        long = sorted(tp for tp, (_, since) in self._since.items() if now - since >= REMINDER_SECONDS)
        if long and now - self._told_at >= REMINDER_SECONDS:
            self._told_at = now
            for topic, its in groupby(long, lambda tp: tp.topic):
                self._tell(topic, list(its), now)

    def _tell(self, topic: str, tps: list[TopicPartition], now: float) -> None:
        offset, since = self._since[tps[0]]
        log.warning(
            "Records wait for the end of a transaction.",
            topic=topic,
            partitions=[tp.partition for tp in tps],
            seconds=round(now - since),
            awaited=f"the producer to end it, or {to_end_transaction(tps[0], offset)}",
        )
