"""Recognized formats: parses lines of every known format, or of one of them, whoever collected them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent, Misconfigured, Reason
from dataflow.stages.access_log.json_format import JsonFormat, json_object
from dataflow.stages.access_log.lines import Explained, LoggedRequest, line_of
from dataflow.stages.access_log.named import NamedFormat, compile_named, format_files
from dataflow.stages.access_log.other_logs import fault_of_other_log
from dataflow.stages.access_log.stored_lines import layers_of, read_stored
from dataflow.stages.access_log.usual_formats import UsualFormats
from dataflow.stages.access_log.w3c_format import W3cFormat
from dataflow.stages.access_log.wrapping import is_beside

AUTO = "auto"
COMMENT = "comment"
"""The rule that drops what stands between lines: ``#Fields:`` and the other fields of a journal entry."""
_FIELDS_LINE = "#Fields:"
ANY_WORDS = 3
"""So many columns begin a line of any text, as client, ident and user do."""


def known_names() -> list[str]:
    """Return the names that a format may be stated by."""
    return [AUTO, *format_files()]


class RecognizedFormats(UsualFormats):
    """Parses lines of the usual formats and, where a line is none of these, of the named ones.

    `parse` raises `DroppedEvent` for a line that is no request by its form, as a ``#Fields:`` line.
    What a line is depends on that line alone, as no two formats have one in common; only its columns
    may have been named by a ``#Fields:`` line before. The format of the last line is tried first.
    """

    def __init__(self, only: str = AUTO, zone: str | None = None) -> None:
        """Take all formats, or `only` one; times without a zone are in `zone`."""
        super().__init__(zone)
        self._takes_usual = only == AUTO or format_files()[only].wraps
        names = [name for name, file in format_files().items() if not file.wraps]
        names = names if self._takes_usual else [only]
        self._named = {name: compile_named(name, zone) for name in names}
        self._last: NamedFormat | None = None

    @property
    def unreadable(self) -> Counter[str]:
        """How often the text of a field could not be read, by the field; it is null then."""
        return sum((each.unreadable for each in self._named.values()), Counter())

    def _read(self, line: str) -> LoggedRequest:
        if is_beside(line):
            self._use_header(line)
            raise DroppedEvent(COMMENT)
        if self._last is not None:
            try:
                return self._last.parse_line(line)
            except InvalidEvent:
                pass
        return self._read_by_any(line)

    def _read_by_any(self, line: str) -> LoggedRequest:
        fault: InvalidEvent | None = None
        if self._takes_usual:
            try:
                return super()._read(line)
            except InvalidEvent as error:
                fault = error
        for each in self._candidates(line):
            if fault is not None and not isinstance(each, JsonFormat) and not each.takes(line):
                continue
            try:
                request = each.parse_line(line)
            except InvalidEvent as error:
                fault = error if isinstance(each, JsonFormat) or fault is None else fault
            else:
                self._last = each
                return request
        raise fault_of_other_log(line) or fault or _unknown(line)

    def _candidates(self, line: str) -> Iterator[NamedFormat]:
        if not line.lstrip(" \t").startswith("{"):
            yield from (each for each in self._named.values() if not isinstance(each, JsonFormat))
            return
        sent = json_object(line)
        known = [each for each in self._named.values() if isinstance(each, JsonFormat) and each.knows(sent)]
        if not known:
            what = f"line has keys {', '.join(sent)[:80]}; expected those of a known format"
            raise fault_of_other_log(line) or InvalidEvent(Reason.UNPARSABLE, what)
        yield from known

    def _use_header(self, line: str) -> None:
        """Let a ``#Fields:`` line name the columns of those behind it."""
        if line.startswith(_FIELDS_LINE):
            columns = line.removeprefix(_FIELDS_LINE).strip()
            w3c = [each for each in self._named.values() if isinstance(each, W3cFormat)]
            for each in sorted(w3c, key=lambda each: not each.is_narrow):
                if each.is_named_by(columns):
                    each.use(columns)
                    self._last = each
                    break

    def explain(self, line: str) -> tuple[str, list[Explained]]:
        """Return the name of the format of a line, and its columns; up to where it breaks off for a dead one.

        A dead line is explained by the usual one, unless that of which it has most columns reaches further.
        """
        broken: list[tuple[int, str, list[Explained]]] = []
        for layer in layers_of(line):
            for name, each in self._named.items():
                with suppress(InvalidEvent):
                    each.parse_line(layer)
                    return name, each.explain(layer)
            with suppress(InvalidEvent):
                super()._read(layer)
                return super().explain(layer)
            broken.append(self._explain_broken(layer))
        _, name, columns = min(reversed(broken), key=lambda each: each[0])
        return name, columns

    def _explain_broken(self, line: str) -> tuple[int, str, list[Explained]]:
        """Return how much of a line of no format one leaves unexplained, its name, and the columns."""
        name, columns = super().explain(line)
        reached = sum(len(column.text) for column in columns)
        tried = [(name, each) for name, each in self._named.items() if not isinstance(each, JsonFormat)]
        other, best = max(tried, key=lambda each: len(each[1].explain(line)))
        explained = best.explain(line)
        # Not only any words, nor the begin of what the usual one breaks off in.
        if len(explained) > ANY_WORDS and best.reach(line) > reached + len(' "'):
            return len(line) - best.reach(line), other, explained
        return len(line) - reached, name, columns


class StatedFormat(RecognizedFormats):
    """Parses lines of the one format that was stated, and of no other."""

    def parse(self, raw: bytes) -> LoggedRequest:
        """Return the request that a line tells of; raise `InvalidEvent` if it is none of this format."""
        return read_stored(line_of(raw), self._read)


def _unknown(line: str) -> InvalidEvent:
    return InvalidEvent(
        Reason.UNPARSABLE, f"line is {line[:40]!r}; expected one of {', '.join(known_names())}"
    )


def with_columns(header: str, zone: str | None) -> RecognizedFormats:
    """Return what reads lines whose columns a ``#Fields:`` line names; raise `Misconfigured` for others."""
    parser = RecognizedFormats(zone=zone)
    try:
        parser.parse(header.encode())
    except DroppedEvent:
        pass
    except InvalidEvent as error:
        raise Misconfigured(f"log format is {header[:80]!r}; {error.detail}") from error
    return parser
