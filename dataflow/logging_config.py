"""How log lines look: coloured on a terminal, one JSON object a line elsewhere."""

import logging
import sys
from collections.abc import Mapping
from types import TracebackType

import colorlog
import orjson
from aiohttp.http_exceptions import HttpProcessingError

from dataflow.errors import Misconfigured
from dataflow.instants import iso
from dataflow.logs import Entry, clean
from dataflow.printable import printable_json, printable_lines
from dataflow.settings import LogFormat, Settings

MOST_REMEMBERED = 1_000
REPEATED = ("aiokafka", "aiohttp", "dataflow.engine.query")
"""Loggers that may say the same many times a second."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, fields, and the traceback of an error.

    `own` is what every line of a process has: which worker it is, and its role.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._own = own or {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        entry = record.msg if isinstance(record.msg, Entry) else None
        line: dict[str, object] = {
            "time": iso(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": entry.sentence if entry else clean(record.getMessage()),
            **(entry.plain_fields() if entry else {}),
        }
        line = {**line, **{name: value for name, value in self._own.items() if name not in line}}
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = clean(self.formatException(record.exc_info))
        return printable_json(orjson.dumps(line).decode())


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class ConsoleFormatter(colorlog.ColoredFormatter):
    """A coloured line; what goes on in further lines is indented, so that nobody can forge a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # its name in logging
        """Return the line with a message that can be printed."""
        record.message = _indented(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  # its name in logging
        """Return the traceback."""
        return "    " + _indented(super().formatException(ei))


def _indented(text: str) -> str:
    return printable_lines(clean(text)).replace("\n", "\n    ")


class Throttle(logging.Filter):
    """Lets the same line of the Kafka client, the web server or a query through once in some seconds.

    Without a broker each part of the client says so ten times a second; a scanner asks as often, and so does
    a page of workers of which one is away.
    """

    def __init__(self, seconds: float = 5.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._passed: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to write the line; lines are the same if their text before filling in is."""
        if not record.name.startswith(REPEATED):
            return True
        if len(self._passed) > MOST_REMEMBERED:
            self._passed.clear()
        line = record.name, str(record.msg)
        if record.created - self._passed.get(line, 0.0) < self._seconds:
            return False
        self._passed[line] = record.created
        return True


class Retried(logging.Filter):
    """Makes warnings of the errors that the Kafka client retries by itself.

    What it cannot mend it raises, and the part of the worker that has asked for it says what that means.
    """

    def __init__(self, level: str) -> None:
        super().__init__()
        self._level = logging.getLevelNamesMapping()[level]

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to write the line, which may be less severe now."""
        if record.name.startswith("aiokafka") and record.levelno == logging.ERROR and not record.exc_info:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return record.levelno >= self._level


class Malformed(logging.Filter):
    """Makes one line of a request that is none: whoever sent it, a traceback of ours helps nobody."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Write every line; one of the web server about a malformed request is less severe."""
        fault = record.exc_info[1] if record.exc_info else None
        if isinstance(fault, HttpProcessingError):
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.msg, record.exc_info = "Request from %s is malformed; it was refused.", None
        return True


class Plain(logging.Filter):
    """Makes one line of a mistake in the settings: where in the code it was found helps nobody."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Write every line; put the message of a mistake in the place of its traceback."""
        mistake = record.exc_info[1] if record.exc_info else None
        if isinstance(mistake, Misconfigured):
            record.msg, record.args, record.exc_info = str(mistake), (), None
        return True


FILTERS = {"malformed": {"()": Malformed}, "throttle": {"()": Throttle}, "plain": {"()": Plain}}


def writes_json(log_format: LogFormat) -> bool:
    """Tell whether log lines of this process are JSON."""
    is_auto = log_format is LogFormat.AUTO
    return not sys.stderr.isatty() if is_auto else log_format is LogFormat.JSON


def logging_config(settings: Settings) -> dict[str, object]:
    """Return the configuration of the logging package; lines go to stderr."""
    as_json = writes_json(settings.log_format)
    level = settings.log_level.value.upper()
    stderr = {
        "class": "logging.StreamHandler" if as_json else "colorlog.StreamHandler",
        "formatter": "json" if as_json else "console",
        "filters": ["malformed", "retried", "throttle", "plain"],
        "level": level,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": JsonFormatter,
                "own": {"worker": settings.worker_name, "role": settings.role.value},
            },
            "console": {
                "()": ConsoleFormatter,
                "format": "%(asctime)s %(log_color)s%(levelname)-8s%(reset)s %(name)s: %(message)s",
            },
        },
        "filters": {**FILTERS, "retried": {"()": Retried, "level": level}},
        "handlers": {"stderr": stderr},
        "root": {"handlers": ["stderr"], "level": level},
    }
