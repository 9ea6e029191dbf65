"""Filtering: what decides whether an event goes on, and what tables read of those that do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataflow.engine.output import Header
from dataflow.errors import InvalidEvent

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Filtering(Generic[E]):
    """A pure filter stage.

    `dropped_by(raw)` names the rule that drops an event, None lets it pass, and so do the
    topics that it is to go to. `read(raw)` gives the fields that tables count. Both raise
    what `fault` turns into a dead letter.
    """

    name: str
    dropped_by: Callable[[bytes], str | tuple[str, ...] | None]
    read: Callable[[bytes], E]
    fault: Callable[[Exception, bytes | None], InvalidEvent]
    stamp: Header | None = None
    """Header of every event that passes."""
