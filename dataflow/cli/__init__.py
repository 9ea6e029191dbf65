"""The `dataflow` command; an expected error is shown as one red line."""

import logging
import os
import signal
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from typing import NoReturn

from dataflow.cli.standard_streams import FAILURES, drop_output, prepare_streams, reader_is_gone
from dataflow.cli.stop_signals import end_at_once, end_in_order, exit_code
from dataflow.errors import DataflowError, Misconfigured
from dataflow.masking import masked
from dataflow.printable import printable_lines
from dataflow.private_files import keep_files_private
from dataflow.topology_path import add_topology_path

IS_WORKER = sys.argv[1:2] == ["worker"]  # before Faust gets arguments of its own


def main() -> None:
    """Run the command line of this process and end it."""
    add_topology_path()
    prepare_streams()
    sys.excepthook = _print_traceback
    keep_files_private()
    if not IS_WORKER:  # what the Kafka client cannot mend it raises; its own lines are for a log
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        end_in_order()  # a worker does so itself
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # from here on something has to be ended in order
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        _leave_at_once()
    end_at_once()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while Python ends, once more ends it at once
    sys.exit(code)


def _leave_at_once() -> NoReturn:
    """End without waiting for threads: one may read a pipe that does not end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code())


def _run(arguments: list[str]) -> int:
    """Run a command to its end, what it has printed included; return the exit code."""
    try:
        from dataflow.cli.program import run

        code = run(arguments)
        sys.stdout.flush()
    except DataflowError as error:
        return _tell(str(error), 2 if isinstance(error, Misconfigured) else 1)
    except OSError as error:
        if error.filename is not None:
            return _tell(_unusable(error), 2)
        if isinstance(error, BrokenPipeError) and reader_is_gone():
            drop_output()
            return 0
        if error.errno not in FAILURES:
            raise
        drop_output()
        return _tell(_failed(error), 1)
    return code


def _failed(error: OSError) -> str:
    return (
        f"reading or writing has failed ({error.strerror}); expected open standard streams, and free space "
        "on the disk that is written to"
    )


def _unusable(error: OSError) -> str:
    """Return what a person can do about a file or a folder that the system refuses, whatever needs it."""
    return (
        f"'{os.fsdecode(error.filename)}' cannot be used ({error.strerror}); expected a file or folder that "
        "this user may read and write; DATAFLOW_DATA_DIR says where data are kept"
    )


def _tell(message: str, code: int) -> int:
    """Say why a command ends, and return the exit code."""
    if IS_WORKER and _writes_json():
        _print_json(message)
    else:
        from dataflow.cli.terminal import notes

        notes().print(message, style="red", soft_wrap=True, highlight=False)
    return code


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
