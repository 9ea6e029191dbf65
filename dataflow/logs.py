"""Log calls: a constant sentence plus fields, as `log.info("Input is read.", input=name, lines=12)`.

The sentence ends with a period. Fields have the unit in the name (`wait_seconds`, `records`, `size_bytes`).
Neither holds a secret or a raw value; `dataflow.logging_config` says how a line looks.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataflow.masking import masked
from dataflow.printable import printable_json

# Bytes are left out on purpose: what came from outside is never logged.
Field = str | int | float | Path | BaseException | Sequence[str] | Sequence[int] | None
Plain = str | int | float | list[str | int] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The message of a log record; as text, the sentence and then `name=value` of each field."""

    sentence: str
    fields: Mapping[str, Field]

    def plain_fields(self) -> dict[str, Plain]:
        """Return the fields as JSON has them; an error is its class and text."""
        return {name: _plain(value) for name, value in self.fields.items()}

    def __str__(self) -> str:
        fields = (f"{name}={_as_text(value)}" for name, value in self.plain_fields().items())
        return " ".join((self.sentence, *fields))


class Log:
    """Writes log lines of one module; levels as in `logging`."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, sentence: str, /, **fields: Field) -> None:
        """Log what only a developer wants to know."""
        self._write(logging.DEBUG, sentence, fields)

    def info(self, sentence: str, /, **fields: Field) -> None:
        """Log a change of state that is as it should be."""
        self._write(logging.INFO, sentence, fields)

    def warning(self, sentence: str, /, **fields: Field) -> None:
        """Log a fault by which nothing is lost."""
        self._write(logging.WARNING, sentence, fields)

    def error(self, sentence: str, /, **fields: Field) -> None:
        """Log a fault by which something is lost, or that needs a person."""
        self._write(logging.ERROR, sentence, fields)

    def exception(self, sentence: str, /, **fields: Field) -> None:
        """Log a bug with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, sentence, fields, with_traceback=True)

    def _write(
        self, level: int, sentence: str, fields: Mapping[str, Field], *, with_traceback: bool = False
    ) -> None:
        # Two calls up is who logs; `logging` says so of each line.
        self._logger.log(level, Entry(sentence, fields), exc_info=with_traceback, stacklevel=3)


def get_log(name: str) -> Log:
    """Return the log of a module; give it `__name__`."""
    return Log(name)


def _plain(value: Field) -> Plain:
    if isinstance(value, BaseException):
        name, text = type(value).__name__, str(value)
        # The Kafka client's errors say their names themselves.
        return clean(text if text.startswith(name) else f"{name}: {text}" if text else name)
    if isinstance(value, str | Path):
        return clean(str(value))
    if value is None or isinstance(value, int | float):
        return value
    return [clean(one) if isinstance(one, str) else one for one in value]


def clean(text: str) -> str:
    """Return a text without passwords, and such that it can be encoded: file names need not be UTF-8."""
    return masked(text.encode(errors="backslashreplace").decode())


def _as_text(value: Plain) -> str:
    """Return a value without quotes where it needs none to be seen as one."""
    if isinstance(value, str) and value and not set(value) & set(' "=\n\r\t'):
        return printable_json(value)
    return printable_json(json.dumps(value, ensure_ascii=False))
