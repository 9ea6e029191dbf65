"""Input matcher: finds the checkpoint of an input by its content, and where to continue.

A log that has grown begins with the bytes that were read of it. So does one that was rotated,
copied and truncated, or packed: it has another path, and its old path has other content, or none.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dataflow.inputs.content import ContentReader, InputContent
from dataflow.inputs.input import Input, Pieces, UnreadableInput
from dataflow.inputs.input_checkpoints import InputCheckpoint, InputCheckpoints
from dataflow.inputs.prefixes import LONGEST_PREFIX, may_be_alike, prefixes_of

CERTAIN_BYTES = 512
"""Contents with the same begin of this length are of the same log, or of one with the same header."""

InputAt = Callable[[str], Input | None]  # returns the present input of a path, if any


@dataclass(frozen=True, slots=True)
class InputMatch:
    """An input, and its checkpoint if there is one."""

    reader: ContentReader
    """Continues after the lines that are in the topic."""
    key: bytes | None = None
    """Key of the checkpoint; None: the input is new."""
    is_copy: bool = False
    """The input of the checkpoint still exists at its own path."""


class MatchPostponed(Exception):
    """Other inputs must be matched before this one."""


class InputMatcher:
    """Compares contents; may open other inputs, too."""

    def __init__(self, checkpoints: InputCheckpoints, input_at: InputAt, *, may_be_records: bool) -> None:
        self._checkpoints = checkpoints
        self._input_at = input_at
        self._may_be_records = may_be_records

    def content(self, source: Input) -> InputContent:
        """Return the content of an input."""
        return InputContent(source, may_be_records=self._may_be_records)

    def match(self, source: Input, content: InputContent, *, is_last_try: bool = True) -> InputMatch:
        """Return the match of an input; raises `UnreadableInput` if it was changed since it was read.

        Raises `MatchPostponed` if an input with the same begin has left its path: it may be one
        of the inputs that follow. On the last try this is not raised.
        """
        reader = ContentReader(content.pieces())
        begin = reader.peek()
        alike = self._alike(source, reader, begin)
        continued = {key: one for key, one in alike if _begins_as(reader, one)}
        others = [one for key, one in alike if key not in continued]
        present = [other for other in others if other.path != source.path and self._still_exists(other)]
        if any(self._is_same_log(content, other) for other in present):  # an older, shorter copy
            return InputMatch(_reader_at(None, reader, content), is_copy=True)
        if len(others) > len(present) and not is_last_try:
            raise MatchPostponed

        def nearness(key: bytes) -> tuple[int, bool]:
            return continued[key].reached, continued[key].path == source.path

        # The one that was read furthest; among several, the one of this path.
        for key in sorted(continued, key=nearness, reverse=True):
            checkpoint = continued[key]
            is_copy = checkpoint.path != source.path and self._still_exists(checkpoint)
            if not is_copy or self._is_same_log(content, checkpoint):
                return InputMatch(_reader_at(checkpoint.reached, reader, content), key, is_copy=is_copy)
        if len(others) > len(present) and len(begin) >= CERTAIN_BYTES:
            raise _changed(source, next(other for other in others if other not in present))
        return InputMatch(_reader_at(0, reader, content))

    def _alike(
        self, source: Input, reader: ContentReader, begin: bytes
    ) -> list[tuple[bytes, InputCheckpoint]]:
        """Return the checkpoints of this path, and of others that begin so; those read furthest last."""
        alike = self._checkpoints.with_same_begin(begin)
        if not alike:
            return []
        prefixes = prefixes_of(reader.peek(LONGEST_PREFIX))
        # What differs behind a long header is another log: nobody asks whether it is still there.
        return [
            (key, one)
            for key, one in alike
            if one.path == source.path or may_be_alike(prefixes, one.prefixes)
        ]

    def _still_exists(self, checkpoint: InputCheckpoint) -> bool:
        """Tell whether the path of a checkpoint still has its content."""
        other = self._input_at(checkpoint.path)
        if other is None:
            return False
        if (other.size, other.version) == (checkpoint.size, checkpoint.version):
            return True
        try:
            return _begins_as(ContentReader(self.content(other).pieces()), checkpoint)
        except UnreadableInput:  # then it has other content
            return False

    def _is_same_log(self, content: InputContent, checkpoint: InputCheckpoint) -> bool:
        """Tell whether one of two contents begins with the whole other one."""
        other = self._input_at(checkpoint.path)
        return other is not None and _agree(content.pieces(), self.content(other).pieces())


def _changed(source: Input, checkpoint: InputCheckpoint) -> UnreadableInput:
    return UnreadableInput(
        f"{source.path} begins as {checkpoint.path}, of which {checkpoint.reached} bytes were read, but is "
        "shorter or continues differently; expected the same content, or more. "
        "`dataflow produce` sends it as it is"
    )


def _begins_as(reader: ContentReader, checkpoint: InputCheckpoint) -> bool:
    return reader.pass_to(checkpoint.reached) and reader.sha256 == checkpoint.sha256


def _reader_at(offset: int | None, reader: ContentReader, content: InputContent) -> ContentReader:
    """Return a reader at an offset; None is the end."""
    if offset is None:
        reader.pass_to_end()
    elif reader.reached != offset:
        reader = ContentReader(content.pieces())
        reader.pass_to(offset)
    return reader


def _agree(ours: Pieces, theirs: Pieces) -> bool:
    """Tell whether two contents agree up to the end of the shorter one."""
    mine = its = b""
    while (mine := mine or next(ours, b"")) and (its := its or next(theirs, b"")):
        both = min(len(mine), len(its))
        if mine[:both] != its[:both]:
            return False
        mine, its = mine[both:], its[both:]
    return True
