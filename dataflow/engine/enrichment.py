"""Enrichment: a decoder and its stage together; a raw event in, the same with more fields out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import faust

from dataflow.engine.decoding import EventDecoder
from dataflow.engine.members import drop_fields
from dataflow.engine.splice import Added, append, splice

R = TypeVar("R", bound=faust.Record)


@dataclass(frozen=True, slots=True)
class Enrichment(Generic[R]):
    """A stage that adds fields to events, with the decoder that gives it what it reads."""

    name: str
    """As on the command line, in metrics and on dead letters: ``stay-category``."""
    decoder: EventDecoder[R]
    stage: Callable[[R], Added]
    adds: frozenset[str] = frozenset()
    """Names of the fields that it adds: columns of tables."""
    omits: frozenset[str] = frozenset()
    """Top-level fields that do not go out, chosen by the operator."""

    def __call__(self, raw: bytes) -> bytes:
        """Return `raw` with the fields that the stage adds; raise `InvalidEvent` if it cannot be.

        A batch agent has the same steps inline: a call for every event would cost more
        than the step.
        """
        event = self.decoder.read(raw)
        return self.join(self.decoder.already_there(event))(raw, self.stage(event))

    def join(self, already_there: object) -> Callable[[bytes, Added], bytes]:
        """Return what puts raw event and added fields together, for events with or without such fields."""
        put = splice if already_there else append
        if not self.omits:
            return put
        return lambda raw, added: put(drop_fields(raw, self.omits), added)
