"""Results of queries: what each partition answers, merged over the workers."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import msgspec

from dataflow.engine.pauses import Pause

A = TypeVar("A")

Owner = tuple[str, int, int]
"""Topic, partition, and the generation in which a worker owns it."""


class PartitionResult(msgspec.Struct, Generic[A], array_like=True):
    """What the owner of one partition answers.

    `lag_records` counts what the partition holds and the owner has not finished;
    `last_record_ms` is the record timestamp of what it finished last, 0 for nothing yet.
    """

    topic: str
    partition: int
    generation: int
    lag_records: int
    last_record_ms: int
    content: A | None
    pause: Pause | None = None
    fault: str | None = None
    """Why it cannot answer."""

    @property
    def owner(self) -> Owner:
        """Who answers, for what."""
        return self.topic, self.partition, self.generation


@dataclass(frozen=True)
class QueryResult(Generic[A]):
    """The answers of one topic that came in time, by partition, and the partitions that have not answered."""

    by_partition: Mapping[int, A]
    missing: list[int]
    lag_records: int = 0
    lag_seconds: float = 0.0
    pauses: Mapping[int, Pause] = field(default_factory=dict)
    """Of the partitions that are not read for now."""
    faults: Mapping[int, str] = field(default_factory=dict)
    """Why some of the missing partitions cannot answer."""
    owners: Collection[Owner] = ()


def merge_results(partitions: int, results: Iterable[PartitionResult[A]]) -> QueryResult[A]:
    """Return one result of what the workers answer for a topic of so many partitions."""
    newest: dict[int, PartitionResult[A]] = {}
    for result in sorted(results, key=lambda result: result.generation):
        newest[result.partition] = result  # a zombie still claims what a later generation owns
    faults = {number: result.fault for number, result in newest.items() if result.fault is not None}
    newest = {number: result for number, result in sorted(newest.items()) if number not in faults}
    lagging = [result for result in newest.values() if result.lag_records]
    oldest_ms = min((result.last_record_ms for result in lagging if result.last_record_ms), default=0)
    return QueryResult(
        {number: cast("A", result.content) for number, result in newest.items()},
        sorted(set(range(partitions)) - set(newest)),
        sum(result.lag_records for result in lagging),
        round(max(time.time() - oldest_ms / 1000, 0.0), 3) if oldest_ms else 0.0,
        {number: result.pause for number, result in newest.items() if result.pause},
        faults,
        [result.owner for result in newest.values()],
    )
