"""`dataflow generate`: generates events at a rate, into a topic or to stdout."""

import asyncio
import signal
import sys
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, people_read, print_json, say
from dataflow.errors import Misconfigured, expected_one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.demo.commands.event_writers import EventWriter, GenerationReport, Packed
    from dataflow.demo.generators.pace import Tick

STDOUT = "stdout"

KindName = Annotated[str, typer.Argument(metavar="KIND", help="Kind of events, such as page-views.")]
Rate = Annotated[float, typer.Option(min=0.001, max=10_000_000, help="Events a second, on average.")]
Seconds = Annotated[
    float | None, typer.Option(min=0.001, help="How many seconds to run; default: until Ctrl-C.")
]
To = Annotated[
    str | None, typer.Option(metavar="TOPIC", help="A topic, or stdout; default: the topic of the kind.")
]
Seed = Annotated[int, typer.Option(help="The same seed and start give the same events.")]
Broken = Annotated[float, typer.Option(min=0, max=1, help="Share of lines that are broken on purpose.")]
Start = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="First event time, ISO 8601 in UTC, to write a history as fast as possible. Default: live.",
    ),
]


def generate(
    kind: KindName,
    rate: Rate = 100,
    seconds: Seconds = None,
    to: To = None,
    seed: Seed = 0,
    broken: Broken = 0,
    start: Start = None,
) -> None:
    """Generate realistic events at a rate.

    Visitors come in sessions, some keys are much more frequent than others, and evenings are busier than
    nights; --rate is the average. Live events are sent at their event time. An event counts once all
    replicas of the topic have it. The exit code is 1 if an event was not stored. In a pipe the output is
    JSON.

    \b
    Example:
      dataflow generate cdn-logs --rate 5000 --seconds 60
      dataflow generate access-logs --seconds 10 --broken 0.01 --to stdout | head
      dataflow generate bookings --start 2026-01-31 --seconds 86400 --to stdout
    """
    from dataflow.demo.commands.generator_run import start_of
    from dataflow.demo.generators import kinds
    from dataflow.demo.generators.pace import Pace

    topic, pace = _topic_of(kind), Pace(rate, start_of(start, seconds), seconds)
    ticks = kinds.generate(kind, pace, seed=seed, broken=broken)
    _fill(to or topic, _Generation(ticks, is_live=start is None))


def _topic_of(kind: str) -> str:
    from dataflow.demo.generators.kinds import KINDS

    if kind not in KINDS:
        raise Misconfigured(f"KIND is '{kind}'; {expected_one_of(KINDS, kind)}")
    return KINDS[kind].topic


@dataclass(frozen=True, slots=True)
class _Generation:
    """What to generate."""

    ticks: "Iterator[tuple[Tick, list[bytes]]]"
    is_live: bool

    async def into(self, writer: "EventWriter[Packed]") -> None:
        """Generate into a writer until the end, or Ctrl-C."""
        from dataflow.demo.commands.generator_run import Progress, run

        with closing(Progress(writer.report, sys.stderr)) as progress:
            await run(self.ticks, writer, progress, is_live=self.is_live)


def _print_lines(generation: _Generation) -> None:
    from dataflow.demo.commands.event_writers import LineWriter

    with suppress(KeyboardInterrupt):  # the way a run without --seconds is meant to end
        asyncio.run(generation.into(LineWriter(sys.stdout.buffer)))


def _fill(topic: str, generation: _Generation) -> None:
    if topic == STDOUT:
        _print_lines(generation)
        return
    report = ask_broker(lambda connection: _send(connection, generation, topic))
    _show(topic, report)
    if not report.is_complete:
        raise typer.Exit(1)


async def _send(connection: dict[str, object], generation: _Generation, topic: str) -> "GenerationReport":
    from dataflow.demo.commands.event_writers import topic_writer

    async with topic_writer(connection, topic) as writer:
        generating = asyncio.create_task(generation.into(writer))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, generating.cancel)  # what is under way is still waited for
        with suppress(asyncio.CancelledError):
            await generating
        await writer.finish()
        return writer.report


def _show(topic: str, report: "GenerationReport") -> None:
    if people_read():
        say(f"{report.acknowledged:,} of {report.events:,} events acknowledged by {topic}")
    else:
        print_json({"topic": topic, **asdict(report)})
    for text in report.failed[:10]:
        notes().print(text, style="red", soft_wrap=True)
