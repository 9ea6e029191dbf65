"""The program: all subcommands, one a file."""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer
from typer.main import get_command

from dataflow.cli.acl import acl
from dataflow.cli.apply import apply
from dataflow.cli.audit import audit
from dataflow.cli.backup import backup, restore
from dataflow.cli.command_group import CommandGroup
from dataflow.cli.dead_letters import dead_letters
from dataflow.cli.doctor.command import doctor
from dataflow.cli.formats import formats
from dataflow.cli.health import health
from dataflow.cli.ingest import ingest
from dataflow.cli.leave import leave
from dataflow.cli.plan.command import plan
from dataflow.cli.produce import produce
from dataflow.cli.rules import rules
from dataflow.cli.secrets import secrets
from dataflow.cli.settings import settings
from dataflow.cli.sinks import sinks
from dataflow.cli.status import status
from dataflow.cli.streams import streams
from dataflow.cli.tables import tables
from dataflow.cli.terminal import say
from dataflow.cli.topics import topics
from dataflow.cli.usage import usage_error
from dataflow.cli.utm_sources import utm_sources
from dataflow.cli.worker import worker
from dataflow.errors import DataflowError, Misconfigured
from dataflow.extras import Extra, the_extra

COMPLETION = "_DATAFLOW_COMPLETE"
DEMO = "dataflow.demo"
DEMO_COMMANDS = ("demo", "broker", "generate")
COMMANDS = (
    worker,
    leave,
    topics,
    produce,
    ingest,
    apply,
    formats,
    tables,
    audit,
    acl,
    doctor,
    status,
    plan,
    backup,
    restore,
    health,
    settings,
)
GROUPS = {
    "dead-letters": dead_letters,
    "rules": rules,
    "utm-sources": utm_sources,
    "sinks": sinks,
    "streams": streams,
    "secrets": secrets,
}


def run(arguments: Sequence[str]) -> int:
    """Run the command of these arguments; return its exit code."""
    command = get_command(program(arguments))
    if COMPLETION in os.environ:  # a shell asks what could come next
        command.main(prog_name="dataflow")
    try:
        with command.make_context("dataflow", [*arguments]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.TyperException as error:
        raise Misconfigured(usage_error(error)) from error
    except typer.Abort as error:
        raise DataflowError("nobody has answered; expected y or n, or --yes") from error
    except UnicodeEncodeError as error:
        if (not_text := next(filter(_has_surrogates, arguments), None)) is None:
            raise
        raise Misconfigured(
            f"argument is {not_text!a}; expected UTF-8: only names of files may have other bytes"
        ) from error
    return 0


def _has_surrogates(text: str) -> bool:
    """Tell whether an argument has bytes that are not UTF-8: Python makes surrogates of them."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def program(arguments: Sequence[str]) -> CommandGroup:
    """Return the command line for these arguments: a worker, say, loads nothing of the demo.

    Raises `Misconfigured` for a command of the demo where that is not installed.
    """
    program = CommandGroup(f"Filter, enrich and count Kafka event streams, exactly once.\n\n{_first_step()}")
    program.callback()(_of_the_program)
    named = {*arguments[:1]}
    if not named & {*GROUPS, *(command.__name__ for command in COMMANDS)}:
        _add_demo(program, named)
    for command in COMMANDS:
        program.command()(command)
    for name, group in GROUPS.items():
        program.add_typer(group, name=name)
    return program


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from dataflow import __version__

        say(f"dataflow {__version__}")
        raise typer.Exit


def _of_the_program(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


def _first_step() -> str:
    return f"Begin with: {'dataflow demo' if find_spec(DEMO) else 'dataflow topics, then dataflow worker'}"


def _add_demo(program: CommandGroup, named: set[str]) -> None:
    if find_spec(DEMO):
        for name in DEMO_COMMANDS:
            program.command()(getattr(import_module(f"{DEMO}.commands.{name}"), name))
    elif named & {*DEMO_COMMANDS}:
        raise Misconfigured(
            f"command is '{named.pop()}', of the demo, which is not installed; "
            f"expected {the_extra(Extra.DEMO)}"
        )
