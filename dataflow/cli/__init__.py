"""The `dataflow` command; an expected error is shown as one red line."""

import sys
import traceback
from types import TracebackType

from dataflow.errors import DataflowError, Misconfigured
from dataflow.masking import masked
from dataflow.printable import printable_lines
from dataflow.private_files import keep_files_private
from dataflow.topology_path import add_topology_path


def main() -> None:
    """Run the command line of this process and end it."""
    add_topology_path()
    from dataflow.cli.program import program

    sys.excepthook = _print_traceback
    keep_files_private()
    try:
        program(sys.argv[1:])()
    except DataflowError as error:
        from dataflow.cli.terminal import notes

        notes().print(str(error), style="red", soft_wrap=True, highlight=False)
        sys.exit(2 if isinstance(error, Misconfigured) else 1)


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what Python prints of a bug; what came from outside may be in it."""
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(printable_lines(masked(text)))
