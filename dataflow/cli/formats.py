"""`dataflow formats`: lists the formats of access logs that have a name."""

from typing import Annotated

import typer

from dataflow.cli.terminal import say
from dataflow.errors import Misconfigured, expected_one_of

FormatName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Only this format, with all its examples.")
]


def formats(name: FormatName = None) -> None:
    """List the access log formats that have a name, with examples.

    Without DATAFLOW_ACCESS_LOG_FORMAT, all of them are recognized by their lines. Set it if all lines have
    the same format.

    \b
    Example:
      dataflow formats
      dataflow formats alb
      dataflow apply access-log lb.log --format alb --explain | less
    """
    from dataflow.stages.access_log.named import format_files

    files = format_files()
    if name is not None and name not in files:
        raise Misconfigured(f"NAME is '{name}'; {expected_one_of(files, name)}")
    width = max(map(len, files))
    for each, file in files.items():
        if name in (None, each):
            say(f"{each:{width}} {file.title}")
            for example in file.examples if name else file.examples[:1]:
                say(f"    {example.line}")
