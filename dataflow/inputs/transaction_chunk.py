"""Loads: inputs one after another in; what goes into one transaction each out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.input_checkpoints import InputCheckpoint, InputCheckpoints
from dataflow.inputs.input_matcher import MatchPostponed
from dataflow.inputs.new_lines import NewLines, ReadStep
from dataflow.sources.sorting import Sorted

CHUNK_BYTES = 8 << 20
"""What a load may hold in memory; two or three are there at a time."""

MAX_CHECKPOINTS = 1_000
"""Small files are many in a load."""


@dataclass(slots=True)
class TransactionChunk:
    """Lines of one input or of many, and what is remembered together with them."""

    records: Sorted = field(default_factory=Sorted)
    checkpoints: dict[bytes, InputCheckpoint] = field(default_factory=dict)
    lines: int = 0
    inputs_read: int = 0
    already_in: int = 0
    """Inputs with nothing new."""
    unfinished: list[str] = field(default_factory=list)
    """Inputs whose last line somebody may still be writing."""
    failed: list[str] = field(default_factory=list)
    """Why an input could not be read, or not to its end."""
    stored_bytes: int = 0
    """Of the inputs, as they are stored: by so much the end is nearer."""

    @property
    def is_full(self) -> bool:
        """Tell whether it is time to send it."""
        return self.records.held_bytes >= CHUNK_BYTES or len(self.checkpoints) >= MAX_CHECKPOINTS

    def add(self, step: ReadStep) -> None:
        """Take what was read of an input."""
        self.lines += step.lines
        self.records.add(step.records)
        if step.checkpoint.reached:  # an empty one has nothing to be known again by
            self.checkpoints[step.key] = step.checkpoint


class ChunkBuilder:
    """Makes loads of what is new in inputs."""

    def __init__(self, new_lines: NewLines, checkpoints: InputCheckpoints) -> None:
        self._new_lines = new_lines
        self._checkpoints = checkpoints
        self._chunk = TransactionChunk()
        self._later: list[Input] = []

    def chunks(self, sources: Iterable[Input | UnreadableInput]) -> Iterator[TransactionChunk]:
        """Yield what is new in the inputs; the last load may be empty.

        What is read is put into what is remembered at once, so that no input is read twice.
        """
        for source in sources:
            if isinstance(source, UnreadableInput):
                self._chunk.failed.append(str(source))
            elif self._checkpoints.is_known(source):
                self._chunk.already_in += 1
                self._chunk.stored_bytes += source.size
            else:
                yield from self._read(source)
        for source in self._later:
            yield from self._read(source, is_last_try=True)
        yield self._chunk

    def _read(self, source: Input, *, is_last_try: bool = False) -> Iterator[TransactionChunk]:
        lines, is_whole, read_bytes = 0, False, 0
        try:
            for step in self._new_lines.steps(source, is_last_try=is_last_try):
                self._chunk.add(step)
                if step.checkpoint.reached:
                    self._checkpoints.put(step.key, step.checkpoint)
                lines, is_whole = lines + step.lines, step.checkpoint.is_whole
                self._chunk.stored_bytes += step.stored_bytes - read_bytes
                read_bytes = step.stored_bytes
                if self._chunk.is_full:
                    yield self._chunk
                    self._chunk = TransactionChunk()
        except MatchPostponed:
            self._later.append(source)
            return
        except UnreadableInput as error:
            self._chunk.failed.append(str(error))
        else:
            self._count(source, lines, is_whole=is_whole)
        self._chunk.stored_bytes += source.size - read_bytes

    def _count(self, source: Input, lines: int, *, is_whole: bool) -> None:
        if lines:
            self._chunk.inputs_read += 1
        else:
            self._chunk.already_in += 1
        if not is_whole:
            self._chunk.unfinished.append(source.path)
