"""The `dataflow` command; an expected error is shown as one red line."""

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn

from dataflow.errors import DataflowError, Misconfigured
from dataflow.masking import masked
from dataflow.printable import printable_lines
from dataflow.private_files import keep_files_private
from dataflow.topology_path import add_topology_path

IS_WORKER = sys.argv[1:2] == ["worker"]  # before Faust gets arguments of its own


def main() -> None:
    """Run the command line of this process and end it."""
    add_topology_path()
    from dataflow.cli.program import program

    sys.excepthook = _print_traceback
    keep_files_private()
    if not IS_WORKER:  # what the Kafka client cannot mend it raises; its own lines are for a log
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        program(sys.argv[1:])()
    except DataflowError as error:
        _end(str(error), 2 if isinstance(error, Misconfigured) else 1)
    except OSError as error:
        if error.filename is None:
            raise
        _end(_unusable(error), 2)


def _unusable(error: OSError) -> str:
    """Return what a person can do about a file or a folder that the system refuses, whatever needs it."""
    return (
        f"'{os.fsdecode(error.filename)}' cannot be used ({error.strerror}); expected a file or folder that "
        "this user may read and write; DATAFLOW_DATA_DIR says where data are kept"
    )


def _end(message: str, code: int) -> NoReturn:
    if IS_WORKER and _writes_json():
        _print_json(message)
        sys.exit(code)
    from dataflow.cli.terminal import notes

    notes().print(message, style="red", soft_wrap=True, highlight=False)
    sys.exit(code)


def _writes_json() -> bool:
    """Tell whether log lines are JSON, where the settings themselves may be at fault."""
    asked = os.environ.get("DATAFLOW_LOG_FORMAT", "").lower()
    return asked == "json" or (asked != "console" and not sys.stderr.isatty())


def _print_json(message: str, error: BaseException | None = None) -> None:
    """Write a line as a worker logs it that has got as far as to have a log."""
    from dataflow.logging_config import JsonFormatter

    exc_info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, message, None, exc_info)
    sys.stderr.write(JsonFormatter().format(record) + "\n")


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what Python prints of a bug; what came from outside may be in it."""
    if IS_WORKER and _writes_json():
        _print_json("Worker has a bug.", error)
        return
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(printable_lines(masked(text)))
