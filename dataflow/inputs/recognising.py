"""Recognising: an input in; which of the remembered ones it is, by content, and where to go on, out.

A log that grew begins with what was read of it. One that was rotated, copied and truncated,
or packed does, too, at another path, while its old path has something else, or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dataflow.inputs.input import Input, Pieces, UnreadableInput
from dataflow.inputs.lines import BEGIN_BYTES, Reading
from dataflow.inputs.remembered import Entry, Remembered
from dataflow.inputs.unpacking import Content

InputAt = Callable[[str], Input | None]
"""What is at a path now, if anything."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """An input with what was read of it before."""

    reading: Reading
    """Stands behind what is in the topic."""
    key: bytes | None = None
    """Of what was read before; None: nothing was."""
    is_copy: bool = False
    """What was read before still lies at its own path."""


class NotYetKnown(Exception):
    """Other inputs have to be looked at before this one."""


class Recogniser:
    """Compares contents; may open others than the one in question."""

    def __init__(self, remembered: Remembered, input_at: InputAt, *, may_be_avro: bool) -> None:
        self._remembered = remembered
        self._input_at = input_at
        self._may_be_avro = may_be_avro

    def content(self, source: Input) -> Content:
        """Return the content of an input."""
        return Content(source, may_be_avro=self._may_be_avro)

    def recognise(self, source: Input, content: Content, *, is_last_try: bool = True) -> Recognised:
        """Return what an input is; raises `UnreadableInput` for one that was changed since it was read.

        Raises `NotYetKnown` where one that begins alike is gone from its path: other inputs
        are looked at first, for it may be one of them. On the last try it is not.
        """
        reading = Reading(content.pieces())
        begin = reading.peek()
        alike = self._remembered.beginning_like(begin)
        continued = {key: entry for key, entry in alike if _begins_as(reading, entry)}
        others = [entry for key, entry in alike if key not in continued]
        there = [entry for entry in others if entry.path != source.path and self._still_there(entry)]
        if any(self._is_same_log(content, entry) for entry in there):  # as it was when it was shorter
            return Recognised(_standing_at(None, reading, content), is_copy=True)
        if len(others) > len(there) and not is_last_try:
            raise NotYetKnown
        # The one that was read furthest; of several, that of this path.
        for key in sorted(continued, key=lambda key: _nearness(continued[key], source), reverse=True):
            entry = continued[key]
            is_copy = entry.path != source.path and self._still_there(entry)
            if not is_copy or self._is_same_log(content, entry):
                return Recognised(_standing_at(entry.reached, reading, content), key, is_copy=is_copy)
        if len(others) > len(there) and len(begin) == BEGIN_BYTES:
            raise _changed(source, next(entry for entry in others if entry not in there))
        return Recognised(_standing_at(0, reading, content))

    def _still_there(self, entry: Entry) -> bool:
        """Tell whether a path still has what was read from it."""
        other = self._input_at(entry.path)
        if other is None:
            return False
        try:
            return _begins_as(Reading(self.content(other).pieces()), entry)
        except UnreadableInput:  # whatever it is now, it is not that
            return False

    def _is_same_log(self, content: Content, entry: Entry) -> bool:
        """Tell whether one of two contents is but longer than the other."""
        other = self._input_at(entry.path)
        return other is not None and _agree(content.pieces(), self.content(other).pieces())


def _changed(source: Input, entry: Entry) -> UnreadableInput:
    return UnreadableInput(
        f"{source.path} begins as {entry.path}, of which {entry.reached} bytes were read, but is "
        "shorter or goes on otherwise; expected the same, or longer. "
        "`dataflow produce` takes it as it is"
    )


def _begins_as(reading: Reading, entry: Entry) -> bool:
    return reading.pass_to(entry.reached) and reading.sha256 == entry.sha256


def _nearness(entry: Entry, source: Input) -> tuple[int, bool]:
    return entry.reached, entry.path == source.path


def _standing_at(offset: int | None, reading: Reading, content: Content) -> Reading:
    """Return a reading that stands at an offset; None is the end."""
    if offset is None:
        reading.pass_to_end()
    elif reading.reached != offset:
        reading = Reading(content.pieces())
        reading.pass_to(offset)
    return reading


def _agree(ours: Pieces, theirs: Pieces) -> bool:
    """Tell whether two contents are the same as far as the shorter one goes."""
    mine = its = b""
    while (mine := mine or next(ours, b"")) and (its := its or next(theirs, b"")):
        both = min(len(mine), len(its))
        if mine[:both] != its[:both]:
            return False
        mine, its = mine[both:], its[both:]
    return True
