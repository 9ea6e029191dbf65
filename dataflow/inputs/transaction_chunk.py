"""Transaction chunks: what is new in inputs, in portions that are committed at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.input_checkpoints import InputCheckpoint, InputCheckpoints
from dataflow.inputs.input_matcher import MatchPostponed
from dataflow.inputs.new_lines import NewLines, ReadStep
from dataflow.sources.sorting import Sorted

CHUNK_BYTES = 8 << 20  # what a chunk may hold in memory; two or three exist at a time

MAX_CHECKPOINTS = 1_000  # limits a chunk of many small files


@dataclass(slots=True)
class TransactionChunk:
    """Lines of one or more inputs, and the checkpoints after them."""

    records: Sorted = field(default_factory=Sorted)
    checkpoints: dict[bytes, InputCheckpoint] = field(default_factory=dict)
    lines: int = 0
    inputs_read: int = 0
    already_in: int = 0
    """Inputs without new lines."""
    unfinished: list[str] = field(default_factory=list)
    """Inputs whose last line may still be written."""
    failed: list[str] = field(default_factory=list)
    """Why inputs were not read to their ends."""
    stored_bytes: int = 0
    """Stored bytes of the inputs, for the progress."""

    def add(self, step: ReadStep) -> None:
        """Add a step of an input."""
        self.lines += step.lines
        self.records.add(step.records)
        if step.checkpoint.reached:  # an empty input cannot be recognized
            self.checkpoints[step.key] = step.checkpoint


class ChunkBuilder:
    """Makes chunks of the new lines of inputs."""

    def __init__(self, new_lines: NewLines, checkpoints: InputCheckpoints) -> None:
        self._new_lines = new_lines
        self._checkpoints = checkpoints
        self._chunk = TransactionChunk()
        self._later: list[Input] = []

    def chunks(self, sources: Iterable[Input | UnreadableInput]) -> Iterator[TransactionChunk]:
        """Yield what is new in the inputs; the last chunk may be empty.

        Checkpoints are updated at once, so that no input is read twice in one run.
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
                if (
                    self._chunk.records.held_bytes >= CHUNK_BYTES
                    or len(self._chunk.checkpoints) >= MAX_CHECKPOINTS
                ):
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
