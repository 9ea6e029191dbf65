"""Enrichment: a decoder and its stage together; a raw event in, the same with more fields out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import faust

from dataflow.engine.decoding import EventDecoder
from dataflow.engine.json_members import drop_fields
from dataflow.engine.splice import Added, end_plainly, splice

R = TypeVar("R", bound=faust.Record)


@dataclass(frozen=True, slots=True)
class EnrichStage(Generic[R]):
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

        What a batch does with all of its events at once, in C where it can.
        """
        event = self.decoder.read(raw)
        return self.join_all([raw], [self.stage(event)], bool(self.decoder.already_there(event)))[0]

    def read_all(self, raws: Sequence[bytes]) -> tuple[list[R], list[Added]]:
        """Return each event and the fields that the stage adds to it.

        Raises what `decoder.fault` turns into a dead letter if any of them cannot be used.
        """
        # msgspec does not look into strings that it skips
        if not all(map(bytes.isascii, raws)):
            for raw in raws:
                str(raw, "utf-8")  # of null a TypeError, as the decoder's
        events = list(map(self.decoder.decode, raws))
        return events, list(map(self.stage, events))

    def join_all(self, raws: Sequence[bytes], added: Sequence[Added], has_some_already: bool) -> list[bytes]:
        """Return the events with the fields added to each, without those that are omitted.

        `has_some_already`: an event among them may have one of the fields already.
        """
        if self.omits:
            raws = [drop_fields(raw, self.omits) for raw in raws]
        if has_some_already or not end_plainly(raws):
            return [splice(raw, fields) for raw, fields in zip(raws, added, strict=True)]
        return [raw[:-1] + fields.tail for raw, fields in zip(raws, added, strict=True)]
