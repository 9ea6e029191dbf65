"""Parsing: what makes of a raw event another one, and what tables read of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataflow.errors import InvalidEvent

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class ParseStage(Generic[E]):
    """A pure parse stage.

    `read(raw)` gives the fields that tables count, and the value that goes on. It raises
    what `fault` turns into a dead letter.
    """

    name: str
    read: Callable[[bytes], tuple[E, bytes]]
    fault: Callable[[Exception, bytes | None], InvalidEvent]
