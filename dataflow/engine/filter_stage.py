"""Filtering: what decides whether an event goes on, and what tables read of those that do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataflow.errors import InvalidEvent
from dataflow.kafka.record_batches import Header

E = TypeVar("E")

Verdict = str | tuple[str, ...] | None
"""The rule that drops an event, or the topics that it is to go to; None lets it pass."""


@dataclass(frozen=True, slots=True)
class FilterStage(Generic[E]):
    """A pure filter stage.

    `judge(raws)` gives the verdict on each event. `read(raw)` gives the fields that tables
    count. Both raise what `fault` turns into a dead letter; `judge` if any of them is one.
    """

    name: str
    judge: Callable[[Sequence[bytes]], Sequence[Verdict]]
    read: Callable[[bytes], E]
    fault: Callable[[Exception, bytes | None], InvalidEvent]
    header: Header | None = None
    """Header of every event that passes."""
