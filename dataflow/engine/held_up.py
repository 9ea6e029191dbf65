"""Changelogs that are held up: partitions that a foreign transaction keeps from being read to their end."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from dataflow.kafka.consumers import reader
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.reading import to_end_transaction
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

REMINDER_SECONDS = 30.0
ANSWER_SECONDS = 2.0


class HeldUpChangelogs:
    """Remembers up to where they are to be read; each waits alone until its broker lets it be read so far."""

    def __init__(self, connection: Mapping[str, object], clock: Callable[[], float] = monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._ends: dict[TopicPartition, int] = {}
        self._told_at = -REMINDER_SECONDS

    def __contains__(self, tp: TopicPartition) -> bool:
        """Tell whether this partition waits."""
        return tp in self._ends

    def note(self, ends: Mapping[TopicPartition, int]) -> None:
        """Have these partitions wait, which recovery could not read up to these offsets."""
        self._ends |= ends

    async def check(self) -> None:
        """Forget those that can be read, and say twice a minute what the others wait for."""
        if not self._ends:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS), reader(self._connection) as consumer:
                stable = await consumer.end_offsets(list(self._ends))
        except (KafkaError, OSError, TimeoutError) as error:
            log.debug("Ends of changelogs are not known.", error=error)
            return
        self._ends = {tp: end for tp, end in self._ends.items() if stable[tp] < end}
        if self._ends and self._clock() - self._told_at >= REMINDER_SECONDS:
            self._told_at = self._clock()
            for tp in sorted(self._ends):
                log.warning(
                    "Changelog cannot be read to its end; its partition waits, the others go on.",
                    topic=tp.topic,
                    partition=tp.partition,
                    awaited=f"the end of a transaction there: {to_end_transaction(tp, stable[tp])}",
                )
