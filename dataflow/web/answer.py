"""Answers: what all of them have in common, and how complete one of the whole cluster is."""

from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dataflow.engine.query_result import QueryResult


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """An object that has exactly these fields: what a worker says beyond them fails a test."""


class Lag(Answer):
    """How far the counts are behind the topics."""

    records: int
    seconds: Annotated[float, Meta(description="How long the oldest of them has been in Kafka")]


class Partitions(Answer):
    """Which partitions are in the answer."""

    answered: list[int]
    missing: Annotated[list[int], Meta(description="Not in the counts: their owners have not answered")]


def partitions_of(results: Collection[QueryResult[Any]]) -> Partitions:
    """Return which partitions are in all of these results, and which are missing in any."""
    missing = {number for result in results for number in result.missing}
    answered = {number for result in results for number in result.by_partition}
    return Partitions(sorted(answered - missing), sorted(missing))


def lag_of(results: Collection[QueryResult[Any]]) -> Lag:
    """Return the lag of these results together."""
    return Lag(sum(result.lag_records for result in results), max(result.lag_seconds for result in results))
