"""`dataflow generate`: what to generate and how fast in, events of a topic or lines of stdout out."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import people_read, print_json

if TYPE_CHECKING:
    from dataflow.cli.event_writers import EventWriter, Generated, Packed
    from dataflow.generators.pace import Pace

STDOUT = "stdout"


def generate(
    kind: Annotated[str, typer.Argument(help="Kind of events, such as page-views.")],
    rate: Annotated[
        float, typer.Option(min=0.001, max=10_000_000, help="Events a second, on average.")
    ] = 100,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="How long; else until Ctrl-C.")] = None,
    to: Annotated[str | None, typer.Option(help="Topic, or stdout; else the kind's own topic.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and start give the same events.")] = 0,
    broken: Annotated[float, typer.Option(min=0, max=1, help="Share of lines that no stage can use.")] = 0,
    start: Annotated[
        str | None,
        typer.Option(help="First event time, ISO 8601 UTC: a history, as fast as it goes. Else now, live."),
    ] = None,
) -> None:
    """Generate realistic events at a rate.

    Visitors come in sessions, some keys are far more frequent than others, and over a
    day there is more to do in the evening than at night: RATE is the mean, RATE x
    SECONDS events come in all. Live events are sent at the time they carry. What
    goes to a topic counts when all replicas have it, and the exit code is 1 when
    anything was not stored. Progress is on stderr; the result is JSON in a pipe.

    \b
    Example:
      dataflow generate cdn-logs --rate 5000 --seconds 60
      dataflow generate access-logs --seconds 10 --broken 0.01 --to stdout | head
      dataflow generate bookings --rate 1 --seconds 86400 --start 2026-01-31 --to stdout > day.ndjson
    """
    from dataflow.cli.event_writers import start_of
    from dataflow.errors import Misconfigured
    from dataflow.generators.kinds import KINDS
    from dataflow.generators.pace import Pace

    if kind not in KINDS:
        raise Misconfigured(f"KIND is '{kind}'; expected {', '.join(KINDS)}")
    pace = Pace(rate, start_of(start), seconds)
    lines = _Wanted(kind, seed, broken, is_live=start is None)
    if to == STDOUT:
        _print_lines(lines, pace)
    else:
        _fill_topic(lines, pace, to or KINDS[kind].topic)


class _Wanted:
    """What to generate."""

    def __init__(self, kind: str, seed: int, broken: float, *, is_live: bool) -> None:
        self.kind, self.seed, self.broken, self.is_live = kind, seed, broken, is_live

    async def into(self, writer: "EventWriter[Packed]", pace: "Pace") -> None:
        """Generate into a sink until the end, or Ctrl-C."""
        from dataflow.cli.event_writers import Progress, run
        from dataflow.generators.kinds import generate as generated

        lines = generated(self.kind, pace, seed=self.seed, broken=self.broken)
        with Progress(writer.generated, sys.stderr) as progress:
            await run(lines, writer, progress, is_live=self.is_live)


def _print_lines(wanted: _Wanted, pace: "Pace") -> None:
    from dataflow.cli.event_writers import LineWriter

    try:
        asyncio.run(wanted.into(LineWriter(sys.stdout.buffer), pace))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` perhaps, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return  # the way a run without --seconds is meant to end


def _fill_topic(wanted: _Wanted, pace: "Pace", topic: str) -> None:
    from dataflow.cli.kafka import run_with_broker
    from dataflow.connection import broker_connection
    from dataflow.settings import settings

    connection = broker_connection(settings())
    generated = run_with_broker(connection, _send(connection, wanted, pace, topic))
    _show(topic, generated)
    if not generated.is_complete:
        raise typer.Exit(1)


async def _send(connection: dict[str, object], wanted: _Wanted, pace: "Pace", topic: str) -> "Generated":
    from dataflow.cli.event_writers import topic_writer

    async with topic_writer(connection, topic) as writer:
        generating = asyncio.create_task(wanted.into(writer, pace))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, generating.cancel)  # what is under way is still waited for
        with suppress(asyncio.CancelledError):
            await generating
        await writer.finish()
        return writer.generated


def _show(topic: str, generated: "Generated") -> None:
    if people_read():
        typer.echo(f"{generated.acknowledged:,} of {generated.events:,} events acknowledged by {topic}")
    else:
        print_json({"topic": topic, **generated.as_json()})
    for text in generated.failed[:10]:
        typer.secho(text, err=True, fg="red")
