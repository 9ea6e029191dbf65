"""Loads: inputs one after another in; what goes into one transaction each out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.new_lines import NewLines, Step
from dataflow.inputs.recognising import NotYetKnown
from dataflow.inputs.remembered import Entry, Remembered
from dataflow.sources.sorting import Sorted

LOAD_BYTES = 8 << 20
"""What a load may hold in memory; two or three are there at a time."""

MOST_ENTRIES = 1_000
"""Small files are many in a load."""


@dataclass(slots=True)
class Load:
    """Lines of one input or of many, and what is remembered together with them."""

    records: Sorted = field(default_factory=Sorted)
    entries: dict[bytes, Entry] = field(default_factory=dict)
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
        return self.records.held_bytes >= LOAD_BYTES or len(self.entries) >= MOST_ENTRIES

    def add(self, step: Step) -> None:
        """Take what was read of an input."""
        self.lines += step.lines
        self.records.add(step.records)
        if step.entry.reached:  # an empty one has nothing to be known again by
            self.entries[step.key] = step.entry


class Loading:
    """Makes loads of what is new in inputs."""

    def __init__(self, new_lines: NewLines, remembered: Remembered) -> None:
        self._new_lines = new_lines
        self._remembered = remembered
        self._load = Load()
        self._later: list[Input] = []

    def loads(self, found: Iterable[Input | UnreadableInput]) -> Iterator[Load]:
        """Yield what is new in the inputs; the last load may be empty.

        What is read is put into what is remembered at once, so that no input is read twice.
        """
        for source in found:
            if isinstance(source, UnreadableInput):
                self._load.failed.append(str(source))
            elif self._remembered.is_known(source):
                self._load.already_in += 1
                self._load.stored_bytes += source.size
            else:
                yield from self._read(source)
        for source in self._later:
            yield from self._read(source, is_last_try=True)
        yield self._load

    def _read(self, source: Input, *, is_last_try: bool = False) -> Iterator[Load]:
        lines, is_whole, read_bytes = 0, False, 0
        try:
            for step in self._new_lines.steps(source, is_last_try=is_last_try):
                self._load.add(step)
                if step.entry.reached:
                    self._remembered.put(step.key, step.entry)
                lines, is_whole = lines + step.lines, step.entry.is_whole
                self._load.stored_bytes += step.stored_bytes - read_bytes
                read_bytes = step.stored_bytes
                if self._load.is_full:
                    yield self._load
                    self._load = Load()
        except NotYetKnown:
            self._later.append(source)
            return
        except UnreadableInput as error:
            self._load.failed.append(str(error))
        else:
            self._count(source, lines, is_whole=is_whole)
        self._load.stored_bytes += source.size - read_bytes

    def _count(self, source: Input, lines: int, *, is_whole: bool) -> None:
        if lines:
            self._load.inputs_read += 1
        else:
            self._load.already_in += 1
        if not is_whole:
            self._load.unfinished.append(source.path)
