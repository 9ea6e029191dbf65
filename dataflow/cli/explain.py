"""Explain: access log lines taken apart, column by column, and where a dead one breaks off."""

from collections.abc import Iterable

from dataflow.cli.terminal import say
from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import line_parser
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.lines import DetailedRequest, LoggedRequest, text_of_line
from dataflow.stages.access_log.recognized import RecognizedFormats
from dataflow.stages.access_log.stored_lines import layers_of


def explain_lines(log_format: str | None, zone: str | None, lines: Iterable[bytes]) -> None:
    """Print of each line its format, its columns and the fields that come out, or why it is a dead letter."""
    parser = line_parser(log_format, zone)
    for number, raw in enumerate(lines, 1):
        outcome, line = _outcome(parser, raw), text_of_line(raw)
        if isinstance(parser, LineFormat):
            # The innermost of those of which most columns are read.
            layers = reversed(list(layers_of(line)))
            name, columns = "own format", max(map(parser.explain, layers), key=len)
        else:
            name, columns = parser.explain(line)
        say(f"line {number}: {name}")
        for column in columns:
            say(f"    {column.name:28} {column.text.strip()}")
        say(f"    -> {outcome}")


def _outcome(parser: LineFormat | RecognizedFormats, raw: bytes) -> str:
    try:
        request = parser.parse(raw)
    except DroppedEvent as dropped:
        return f"dropped: {dropped}"
    except InvalidEvent as fault:
        return f"dead letter: {fault.detail}"
    values = {name: getattr(request, name) for name in LoggedRequest.__struct_fields__}
    values |= request.more if isinstance(request, DetailedRequest) else {}
    return ", ".join(f"{name}={value!r}" for name, value in values.items() if value is not None)
