"""`dataflow produce`: sends the lines of a file to a topic."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, people_read, print_json, progress_bar, say

if TYPE_CHECKING:
    from dataflow.cli.lines import Lines
    from dataflow.cli.topic_loader import Loaded

SHOWN = 10  # of what was not stored; JSON has all of it
LINES_A_STEP = 5_000  # between two moves of the progress bar


def produce(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="A topic that `dataflow topics` lists.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines, plain or packed; - is stdin.")],
) -> None:
    """Send the lines of a file to a topic.

    Each line becomes one message, byte for byte, without a key; the partitions are filled in turn. FILE can
    be of any kind that `dataflow ingest` reads. The kind is detected from the content. A message counts once
    all replicas have it.

    Lines that are too large for the topic are listed by number. The exit code is 1 if a line was not stored.
    In a pipe the output is JSON.

    \b
    Example:
      dataflow produce expedia bookings.ndjson.gz
      grep -h purchase *.ndjson | dataflow produce raw-web-events -
    """
    loaded = ask_broker(lambda connection: _load(connection, topic, file))
    _show(topic, loaded)
    if not loaded.is_complete:
        raise typer.Exit(1)


async def _load(connection: Mapping[str, object], topic: str, file: Path) -> "Loaded":
    from dataflow.catalogue.declared import STREAMS
    from dataflow.cli.lines import lines_of
    from dataflow.cli.topic_loader import loading_producer, topic_loader

    are_json = all(stream.is_json for stream in STREAMS if stream.topic == topic)
    async with loading_producer(connection) as producer:
        loader = await topic_loader(connection, producer, topic)
        with lines_of(file, are_json=are_json) as lines, progress_bar() as bar:
            task = bar.add_task(f"{file} to {topic}", total=lines.size)
            async for step in _steps(lines, loader.loaded):
                await loader.send(step)
                if lines.size is not None:
                    bar.update(task, completed=lines.position)
        return await loader.finish()


async def _steps(lines: "Lines", loaded: "Loaded") -> AsyncIterator[list[bytes]]:
    """Yield some lines at a time; a truncated file ends them, with an entry in `failed`."""
    from dataflow.inputs.input import UnreadableInput

    unread = iter(lines)
    while True:
        step: list[bytes] = []
        try:
            # A slow pipe must not block the producer.
            await asyncio.to_thread(step.extend, islice(unread, LINES_A_STEP))
        except UnreadableInput as error:
            loaded.failed.append(str(error))
        if not step:
            return
        yield step


def _show(topic: str, loaded: "Loaded") -> None:
    if not people_read():
        print_json({"topic": topic, **asdict(loaded)})
        return
    say(f"{loaded.acknowledged:,} of {loaded.lines:,} lines acknowledged by {topic}")
    for number in loaded.too_large[:SHOWN]:
        notes().print(f"line {number} is too large for {topic}", style="red")
    for text in loaded.failed[:SHOWN]:
        notes().print(text, style="red", soft_wrap=True)
    unseen = len(loaded.too_large[SHOWN:]) + len(loaded.failed[SHOWN:])
    if unseen:
        notes().print(f"and {unseen:,} more", style="red")
