"""The program: one subcommand a file in, the command line out."""

import typer

from dataflow.cli.apply import apply
from dataflow.cli.broker import broker
from dataflow.cli.dead_letters import dead_letters
from dataflow.cli.demo import demo
from dataflow.cli.generate import generate
from dataflow.cli.ingest import ingest
from dataflow.cli.produce import produce
from dataflow.cli.rules import rules, utm_sources
from dataflow.cli.settings import settings
from dataflow.cli.sinks import sinks
from dataflow.cli.tables import tables
from dataflow.cli.topics import topics
from dataflow.cli.worker import worker

# Plain help and plain tracebacks: rich ones would cost every command 0.2 s at its start.
program = typer.Typer(
    name="dataflow",
    help="Filter, enrich and count Kafka event streams, exactly once.\n\nBegin with: dataflow demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (demo, worker, broker, topics, produce, ingest, generate, apply, tables, settings):
    program.command()(command)
program.add_typer(dead_letters, name="dead-letters")
program.add_typer(rules, name="rules")
program.add_typer(utm_sources, name="utm-sources")
program.add_typer(sinks, name="sinks")
