"""New lines: reads those lines of an input that are not in its topic yet."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from dataflow.catalogue.stream import Stream
from dataflow.inputs.content import ContentReader, InputContent
from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.input_checkpoints import InputCheckpoint
from dataflow.inputs.input_matcher import InputMatcher
from dataflow.instants import now_ms
from dataflow.sources.body_events import is_json
from dataflow.sources.sorting import Sorted, Sorter, sender_headers
from dataflow.sources.unusable_lines import FEWEST, UnusableLines, check_of


@dataclass(frozen=True, slots=True)
class LineRules:
    """Limits for the lines of a stream; see `Sorter`."""

    stream: Stream
    most_bytes: int
    most_dead_bytes: int
    structured_fields: Sequence[str] = ()
    access_log_format: str | None = None
    access_log_zone: str | None = None
    dead_letter_max_ratio: float = 0.5
    dead_letter_ratio_window: int = 10_000


@dataclass(frozen=True, slots=True)
class ReadStep:
    """Some lines of an input, and the checkpoint after them."""

    records: Sorted
    lines: int
    key: bytes
    checkpoint: InputCheckpoint
    stored_bytes: int
    """How many stored bytes of the input were read up to this step."""


class NewLines:
    """Reads the new lines of inputs of one stream."""

    def __init__(self, rules: LineRules, matcher: InputMatcher) -> None:
        # The path is in the checkpoint, once for all lines.
        self._stream = replace(rules.stream, keeps_sender=False)
        self._rules = rules
        self._matcher = matcher

    def steps(self, source: Input, *, is_last_try: bool = True) -> Iterator[ReadStep]:
        """Yield the new lines of an input, step by step; the last step only has the final checkpoint.

        Raises `UnreadableInput` where reading fails; earlier steps stay valid. Raises
        `MatchPostponed` before the first step, but not on the last try.
        """
        content = self._matcher.content(source)
        match = self._matcher.match(source, content, is_last_try=is_last_try)
        reader = match.reader
        begin = b"" if reader.reached else reader.peek().removeprefix(BOM_UTF8).lstrip()
        if self._stream.is_json and begin.startswith(b"["):
            raise UnreadableInput(f"{source.path} begins as a JSON array; expected one object a line")
        step = _StepBuilder(source, content, match.key or uuid4().hex.encode(), self._sorter(source))
        for lines in reader.complete_lines(self._rules.most_dead_bytes):
            read = step.of(reader, lines)
            self._refuse_wrong_stream(source, step)
            yield read
        if reader.tail and (source.is_finished or content.is_packed or self._is_whole(reader.tail)):
            reader.pass_tail()
            yield step.of(reader, reader.tail)
            reader.tail.clear()
        if match.is_copy and not step.lines:
            step.key = uuid4().hex.encode()
        yield step.of(reader, (), is_whole=not reader.tail)

    def _sorter(self, source: Input) -> Sorter:
        rules = self._rules
        return Sorter(
            self._stream,
            sender_headers(source.path),
            now_ms=now_ms(),
            most_bytes=rules.most_bytes,
            most_dead_bytes=rules.most_dead_bytes,
            structured_fields=rules.structured_fields,
            seen=UnusableLines(check_of(rules.stream, rules.access_log_format, rules.access_log_zone)),
        )

    def _is_whole(self, tail: Sequence[bytes]) -> bool:
        """Tell whether a line without line feed is complete: a whole JSON object."""
        return self._stream.is_json and tail[0].lstrip().startswith(b"{") and is_json(tail[0])

    def _refuse_wrong_stream(self, source: Input, step: "_StepBuilder") -> None:
        rules, seen = self._rules, step.sorter.seen
        is_rubbish = seen.unusable == seen.lines >= FEWEST
        is_known = seen.lines >= rules.dead_letter_ratio_window
        if is_rubbish or (is_known and seen.unusable > rules.dead_letter_max_ratio * seen.lines):
            raise UnreadableInput(
                f"{source.path} has about {seen.unusable} unusable lines in {seen.lines}; expected lines for "
                f"{rules.stream.topic}, a ratio of at most {rules.dead_letter_max_ratio} unusable. "
                f"The first: {'; '.join(seen.examples)}"
            )


@dataclass(slots=True)
class _StepBuilder:
    """Makes the steps of one input."""

    source: Input
    content: InputContent
    key: bytes
    sorter: Sorter
    lines: int = 0

    def of(self, reader: ContentReader, lines: Sequence[bytes], *, is_whole: bool = False) -> ReadStep:
        self.sorter.sort(lines)
        records = self.sorter.take()
        self.lines += len(lines)
        source, read = self.source, (reader.reached, reader.sha256, reader.begin)
        checkpoint = InputCheckpoint(
            source.path, source.size, source.version, is_whole, *read, self.sorter.now_ms, reader.prefixes
        )
        return ReadStep(records, len(lines), self.key, checkpoint, self.content.stored_bytes)
