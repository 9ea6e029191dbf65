"""Unusable lines: how many of the lines that a sender or an input brings its stream cannot use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams import access_logs
from dataflow.engine.stage import EVENT_FAULTS, DroppedEvent
from dataflow.kafka.record import OutputRecord
from dataflow.stages.access_log import line_parser

LOOKED_AT = 100  # so many lines of each thousand are tried; of fewer lines all

FEWEST = 100  # nobody is refused for fewer unusable lines than this: they become dead letters

EXAMPLES = 3

MOST_HEADERS = 8


def check_of(
    stream: Stream, access_log_format: str | None, access_log_zone: str | None = None
) -> Callable[[bytes], object] | None:
    """Return what raises one of `EVENT_FAULTS` for a line that the agent of this stream cannot use."""
    if stream.topic == access_logs.STREAM.topic:
        return _parser_of(access_log_format, access_log_zone).parse
    return stream.check


_parser_of = cache(line_parser)  # compiling all formats costs more than most bodies


@dataclass(slots=True)
class UnusableLines:
    """Counts the lines of one body or input, and those that are unusable; the latter by a sample."""

    check: Callable[[bytes], object] | None = None
    lines: int = 0
    unusable: int = 0
    examples: list[str] = field(default_factory=list)
    """What is wrong with the first ones."""

    def look_at(self, records: Sequence[OutputRecord], begin: int) -> None:
        """Try some of the lines that are records from this place on."""
        end = len(records)
        self.lines += end - begin
        if self.check is None or begin == end:
            return
        step = -(-(end - begin) // LOOKED_AT)
        looked_at = range(begin, end, step)
        for at in (*self._headers(records, begin), *looked_at):
            try:
                self.check(records[at][2] or b"")
            except DroppedEvent:
                pass
            except EVENT_FAULTS as fault:
                self.add(str(fault), min(step, end - at))

    def _headers(self, records: Sequence[OutputRecord], begin: int) -> list[int]:
        """Return where the lines are that name the columns of the others."""
        first = range(begin, min(begin + MOST_HEADERS, len(records)))
        return [at for at in first if (records[at][2] or b"").startswith(b"#")]

    def add(self, fault: str, lines: int = 1) -> None:
        """Count lines that are unusable for this reason."""
        self.unusable += lines
        if len(self.examples) < EXAMPLES and fault not in self.examples:
            self.examples.append(fault)

    def exceed(self, max_ratio: float) -> bool:
        """Tell whether more than this ratio is unusable, and more than a few."""
        return self.unusable >= FEWEST and self.unusable > max_ratio * self.lines
