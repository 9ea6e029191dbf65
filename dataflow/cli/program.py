"""The program: all subcommands, one a file."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

from dataflow.cli.acl import acl
from dataflow.cli.apply import apply
from dataflow.cli.audit import audit
from dataflow.cli.backup import backup, restore
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
from dataflow.cli.utm_sources import utm_sources
from dataflow.cli.worker import worker
from dataflow.errors import Misconfigured
from dataflow.extras import Extra, the_extra

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


def program(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line for these arguments: a worker, say, loads nothing of the demo.

    Raises `Misconfigured` for a command of the demo where that is not installed.
    """
    # Plain help and plain tracebacks: rich ones would cost every command 0.2 s at its start.
    program = typer.Typer(
        name="dataflow",
        help=f"Filter, enrich and count Kafka event streams, exactly once.\n\n{_first_step()}",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
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


def _add_demo(program: typer.Typer, named: set[str]) -> None:
    if find_spec(DEMO):
        for name in DEMO_COMMANDS:
            program.command()(getattr(import_module(f"{DEMO}.commands.{name}"), name))
    elif named & {*DEMO_COMMANDS}:
        raise Misconfigured(
            f"command is '{named.pop()}', of the demo, which is not installed; "
            f"expected {the_extra(Extra.DEMO)}"
        )
