"""Command group: help without words of Python, and a refusal that says which commands there are."""

import re
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from dataflow.cli.usage import name_of
from dataflow.errors import Misconfigured, expected_one_of

_PYTHON_TYPE = re.compile(r"<(?:list\[)?(str|int|float|path|file|directory)\]?(?: range)?>")
_NO_BRACES = str.maketrans("", "", "{}")
_PLAIN = {
    "str": "TEXT",
    "int": "NUMBER",
    "float": "NUMBER",
    "path": "FILE",
    "file": "FILE",
    "directory": "DIR",
}


class Command(TyperCommand):
    """A command, whose help names arguments and values as its messages do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer's own context, which it hides
        """Read options and arguments; raise `Misconfigured` for one that is empty.

        An empty file name would be the current folder, and other options would be ignored.
        """
        values, _, _ = self.make_parser(ctx).parse_args(args=[*args])
        for param in self.get_params(ctx):
            value = values.get(param.name)
            if value == "" or (isinstance(value, list | tuple) and "" in value):
                told = f"{name_of(param)} is ''; expected a value (is a variable of the shell not set?)"
                raise Misconfigured(f"{told}; see `{ctx.command_path} --help`")
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401  # as above
        """Return what stands behind the name of the command: ``[OPTIONS] FILE``."""
        return [piece.translate(_NO_BRACES) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # as above
        """Write a line for each argument and option."""
        records = [(param, param.get_help_record(ctx)) for param in self.get_params(ctx)]
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            lines = [
                (_plain_name(record[0], is_option=kind == "option"), record[1])
                for param, record in records
                if record and param.param_type_name == kind
            ]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


def _plain_name(name: str, *, is_option: bool) -> str:
    return _PYTHON_TYPE.sub(lambda match: _PLAIN[match[1]] if is_option else "", name).rstrip()


class _Group(TyperGroup):
    """Commands by name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # as above
        """Read what stands before the command; without one, show the help."""
        if not args and not ctx.resilient_parsing:
            sys.stderr.write(f"{ctx.get_help()}\n")
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  # as above
        """Return the command, and the arguments behind it; raise `Misconfigured` if there is none."""
        name = args[0]
        if name not in self.commands:
            raise Misconfigured(f"command is '{name}'; {expected_one_of(self.commands, name)}")
        return super().resolve_command(ctx, args)


class CommandGroup(typer.Typer):
    """The program, or a group of its commands."""

    def __init__(self, help: str) -> None:  # noqa: A002  # typer's name
        # Plain help and plain tracebacks: rich ones would cost every command 0.2 s at its start.
        super().__init__(
            name="dataflow",
            help=help,
            cls=_Group,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401  # as above
        """Return a decorator that adds a command."""
        return super().command(name, cls=Command, **settings)
