"""Results of queries: what each partition answers, merged over the workers."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar, get_origin

import msgspec

from dataflow.engine.pauses import Pause

A = TypeVar("A")


class PartitionResult(msgspec.Struct, array_like=True):
    """What the owner of one partition answers.

    `lag_records` counts what the partition holds and the owner has not finished;
    `last_record_ms` is the record timestamp of what it finished last, 0 for nothing yet.
    """

    partition: int
    generation: int
    lag_records: int
    last_record_ms: int
    content: msgspec.Raw
    pause: Pause | None = None
    fault: str | None = None
    """Why it cannot answer."""


@dataclass(frozen=True)
class QueryResult(Generic[A]):
    """The answers that came in time, by partition, and the partitions that have not answered."""

    answer_type: type[A]
    contents: Mapping[int, msgspec.Raw]
    missing: list[int]
    lag_records: int = 0
    lag_seconds: float = 0.0
    pauses: Mapping[int, Pause] = field(default_factory=dict)
    """Of the partitions that are not read for now."""
    faults: Mapping[int, str] = field(default_factory=dict)
    """Why some of the missing partitions cannot answer."""

    @cached_property
    def by_partition(self) -> dict[int, A]:
        """The answers; large ones take long to decode, so do it in a thread."""
        return {number: _decode(content, self.answer_type) for number, content in self.contents.items()}

    @property
    def answered(self) -> list[int]:
        """The partitions that have answered."""
        return sorted(self.contents)

    @property
    def size_bytes(self) -> int:
        """How large the encoded answers are."""
        return sum(len(content) for content in self.contents.values())


def merge_results(
    answer_type: type[A], partitions: int, results: Iterable[PartitionResult]
) -> QueryResult[A]:
    """Return one result of what the workers answer for a topic of so many partitions."""
    newest: dict[int, PartitionResult] = {}
    for result in sorted(results, key=lambda result: result.generation):
        newest[result.partition] = result  # a zombie still claims what a later generation owns
    faults = {number: result.fault for number, result in newest.items() if result.fault is not None}
    newest = {number: result for number, result in newest.items() if number not in faults}
    lagging = [result for result in newest.values() if result.lag_records]
    oldest_ms = min((result.last_record_ms for result in lagging if result.last_record_ms), default=0)
    return QueryResult(
        answer_type,
        {number: result.content for number, result in newest.items()},
        sorted(set(range(partitions)) - set(newest)),
        sum(result.lag_records for result in lagging),
        round(max(time.time() - oldest_ms / 1000, 0.0), 3) if oldest_ms else 0.0,
        {number: result.pause for number, result in newest.items() if result.pause},
        faults,
    )


def _decode(content: msgspec.Raw, answer_type: type[A]) -> A:
    return msgspec.msgpack.decode(content, type=answer_type, dec_hook=_decode_counter)


def _decode_counter(expected: type, value: dict[str, int]) -> Counter[str]:
    assert get_origin(expected) is Counter, expected
    return Counter(value)
