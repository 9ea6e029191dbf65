"""JSON format: parses lines that are JSON objects with known keys."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import partial

import msgspec

from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.clients import UnreadableField
from dataflow.stages.access_log.columns import as_it_is, column_named
from dataflow.stages.access_log.directives import Directive, Value
from dataflow.stages.access_log.lines import NO_REQUEST, Explained, LoggedRequest
from dataflow.stages.access_log.times import formatted_time

_FIELDS = LoggedRequest.__struct_fields__
_HIGH, _LOW = r"\\u[dD][89abAB][0-9A-Fa-f]{2}", r"\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
_UNREADABLE = re.compile(rf"\\\\|{_HIGH}{_LOW}|({_HIGH}|{_LOW}|\\x[0-9A-Fa-f]{{2}})")
_decode = msgspec.json.Decoder(dict[str, object]).decode


def json_object(line: str) -> Mapping[str, object]:
    """Return the object in a line; raise `InvalidEvent` if it is none."""
    try:
        try:
            return _decode(line)
        except msgspec.DecodeError:
            # What is no JSON and yet there: bytes that are no UTF-8, and half of a character that was cut.
            return _decode(_UNREADABLE.sub(_written_out, line))
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidEvent(Reason.UNPARSABLE, f"line is no JSON object ({error}); expected one") from error


def _written_out(match: re.Match[str]) -> str:
    return match[0] if match[1] is None else f"\\{match[1]}"


class JsonFormat:
    """Parses objects of one program; `requires` are the keys by which they are known.

    With a value of `unless` a line tells of no request.
    """

    def __init__(
        self,
        name: str,
        requires: Sequence[str],
        columns: Mapping[str, str],
        unless: Mapping[str, Sequence[str]],
    ) -> None:
        self.unreadable: Counter[str] = Counter()
        self._unless = [(key.split("."), frozenset(values)) for key, values in unless.items()]
        self._requires = [key.split(".") for key in requires]
        named = [(key.split("."), as_it_is(column_named(column, name))) for key, column in columns.items()]
        # The first that is there counts: people leave some of them out.
        self._times = [([path], column.time) for path, column in named if column.time]
        if parts := [(path, column.strptime) for path, column in named if column.strptime]:
            formats = " ".join(strptime for _, strptime in parts)
            self._times.append(([path for path, _ in parts], partial(formatted_time, formats, UTC)))
        # The weak ones first: what others give for the same field replaces it.
        self._columns = sorted(
            ((path, column) for path, column in named if not column.time and not column.strptime),
            key=lambda each: -each[1].weak,
        )

    def knows(self, line: Mapping[str, object]) -> bool:
        """Tell whether the object has the keys by which these lines are known.

        Raises `DroppedEvent` if it tells of no request.
        """
        if any(_at(line, path) is None for path in self._requires):
            return False
        for path, values in self._unless:
            if _text(_at(line, path)) in values:
                raise DroppedEvent(NO_REQUEST)
        return True

    def parse_line(self, line: str) -> LoggedRequest:
        """Return the request that a line tells of; raise `InvalidEvent` if it is none of this format."""
        sent = json_object(line)
        if not self.knows(sent):
            keys = ", ".join(".".join(path) for path in self._requires)
            raise InvalidEvent(Reason.UNPARSABLE, f"line has keys {', '.join(sent)[:80]}; expected {keys}")
        values: dict[str, Value] = {}
        unreadable: list[str] = []
        for path, column in self._columns:
            text = _text(_at(sent, path))
            try:
                values |= {} if text is None else _read(column, text)
            except (UnreadableField, ValueError):
                unreadable.append(column.fields[0])
        values["ts"] = self._time_of(sent)
        self.unreadable.update(unreadable)  # of a line that lives: others are told as a whole
        return LoggedRequest(**values)  # type: ignore[arg-type]  # each directive knows the type of its field

    def _time_of(self, sent: Mapping[str, object]) -> str:
        for paths, read in self._times:
            texts = [text for path in paths if (text := _text(_at(sent, path))) is not None]
            if len(texts) == len(paths):
                return read(" ".join(texts))
        keys = " and ".join(".".join(path) for paths, _ in self._times for path in paths)
        raise InvalidEvent(Reason.UNPARSABLE, f"{keys} is null; expected a time")

    def explain(self, line: str) -> list[Explained]:
        """Return the columns of a line."""
        sent = json_object(line)
        paths = [*(path for paths, _ in self._times for path in paths), *(path for path, _ in self._columns)]
        return [Explained(".".join(path), _text(_at(sent, path)) or "") for path in paths]


def _read(column: Directive, text: str) -> dict[str, Value]:
    if column.pattern is not None and not re.fullmatch(column.pattern, text):
        raise UnreadableField
    if column.split is not None:
        read = zip(column.fields, column.split(text), strict=True)
    elif column.read is not None:
        read = zip(column.fields, (column.read(text),), strict=True)
    else:
        return {}
    return {field: value for field, value in read if value is not None}


def _at(value: object, path: Sequence[str]) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value[0] if isinstance(value, list) and value else value


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Scripts and some collectors make floats of whole numbers.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
