"""The `dataflow` command; an expected error is shown as one red line."""

import sys

from dataflow.errors import DataflowError, Misconfigured


def main() -> None:
    """Run the command line of this process and end it."""
    from dataflow.cli.program import program

    try:
        program(sys.argv[1:])()
    except DataflowError as error:
        from rich.text import Text

        from dataflow.cli.terminal import notes

        notes().print(Text(str(error), style="red"), soft_wrap=True)
        sys.exit(2 if isinstance(error, Misconfigured) else 1)
