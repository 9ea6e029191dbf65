"""`dataflow ingest`: reads the new lines of files and S3 objects into the topic of a stream."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, people_read, print_json, progress_bar, say
from dataflow.errors import Misconfigured, expected_one_of

if TYPE_CHECKING:
    from dataflow.inputs.run import IngestReport

INTERRUPTED = 130
SHOWN = 20  # of what went wrong; JSON has all of it


def ingest(
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE", help="Files, folders, patterns or s3://bucket/prefix.")
    ],
    stream: Annotated[
        str, typer.Option("--as", metavar="STREAM", help="Stream of the lines, as in POST /ingest/STREAM.")
    ],
) -> None:
    """Read files and S3 objects into a stream, each line once.

    Inputs hold lines of text, JSON objects (one a line), or records of Avro or Parquet. They can be packed
    with gzip, zstd, bzip2, xz, tar or zip. The format is detected from the content. PLACE - is standard
    input. Lines are checked as by POST /ingest; lines that cannot be used become dead letters.
    DATAFLOW_S3_* configures S3.

    You can run it again at any time, also after kill -9. It recognizes inputs by their content, continues
    where it stopped, reads the new lines of a log that has grown, and skips copies (docs/inputs.md).

    The exit code is 1 if an input was not read to its end; the reason is shown. In a pipe the output is JSON.

    \b
    Example:
      dataflow ingest /var/log/nginx --as access-logs
      dataflow ingest bookings.avro s3://exports/bookings/2026 --as bookings
      dataflow ingest 'cdn/*.gz' --as cdn-logs | jq .lines_per_second
    """
    report = _run(stream, places)
    _show(report)
    if not report.is_complete:
        raise typer.Exit(INTERRUPTED if report.is_interrupted else 1)


def _run(stream: str, places: list[str]) -> "IngestReport":
    from dataflow.catalogue.declared import INGESTED
    from dataflow.inputs.places import check_places

    if stream not in INGESTED:
        raise Misconfigured(f"--as is '{stream}'; {expected_one_of(sorted(INGESTED), stream)}")
    check_places(places)
    return ask_broker(lambda _: _ingest(stream, places))


async def _ingest(stream: str, places: list[str]) -> "IngestReport":
    from dataflow.inputs.run import Run
    from dataflow.settings import settings

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_all_but_kafka)
    with _progress(stream) as show:
        run: Run = Run(settings(), stream, places, on_stored=show, should_stop=stopping.is_set)
        reading = asyncio.create_task(run.ingest())

        def stop() -> None:
            """Let what is under way be committed; once more, do not wait for it: a pipe may have no end."""
            reading.cancel() if stopping.is_set() else stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            return await reading
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error


def _log_all_but_kafka(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Leave out batches of a fenced producer: nobody waits for them, and the run reports the reason."""
    from dataflow.kafka.errors import KafkaError

    if not isinstance(context.get("exception"), KafkaError):
        loop.default_exception_handler(context)


@contextmanager
def _progress(stream: str) -> "Iterator[Callable[[IngestReport], None]]":
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
        TextColumn("{task.fields[lines]:,} lines, {task.fields[rate]:,} a second"), TimeRemainingColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        task = bar.add_task(stream, total=None, lines=0, rate=0)
        yield lambda report: bar.update(
            task,
            total=report.all_bytes,
            completed=report.stored_bytes,
            lines=report.lines,
            rate=round(report.lines / max(report.seconds, 0.001)),
        )


def _show(report: "IngestReport") -> None:
    if people_read():
        say(
            f"{report.lines:,} lines of {report.inputs_read:,} inputs in {report.seconds:.1f} s: "
            f"{report.accepted:,} accepted, {report.dead_lettered:,} dead letters; "
            f"{report.already_in:,} inputs had nothing new"
        )
    else:
        print_json(report.as_json())
    for path in report.unfinished[:SHOWN]:
        notes().print(f"The last line of {path} has no line feed yet; the next run reads it.", soft_wrap=True)
    for text in report.failed[:SHOWN]:
        notes().print(text, style="red", soft_wrap=True, markup=False)
    unseen = len(report.unfinished[SHOWN:]) + len(report.failed[SHOWN:])
    if unseen:
        notes().print(f"… and {unseen:,} more; the JSON output has all of them")
    if report.is_interrupted:
        notes().print("Interrupted. Run the same command again to continue.")
