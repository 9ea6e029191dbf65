"""`dataflow demo`: runs the whole system on sample data, or on your own files."""

from typing import Annotated

import typer

from dataflow.errors import Misconfigured

ACCESS_LOGS = "access-logs"

Places = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Your own files, as in `dataflow ingest`; default: samples."),
]
Stream = Annotated[
    str, typer.Option("--as", metavar="STREAM", help="With PATH: stream of the lines, as in `ingest`.")
]
Once = Annotated[bool, typer.Option("--once", help="Play the samples once, check the counts and end.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON; implies --once.")]
Rate = Annotated[int, typer.Option(min=1, help="Events a second, of all streams together.")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="How many workers share the partitions.")]


def demo(
    places: Places = None,
    stream: Stream = ACCESS_LOGS,
    once: Once = False,
    as_json: AsJson = False,
    rate: Rate = 300,
    workers: Workers = 1,
) -> None:
    """Run everything on sample data, or on your own logs.

    It starts workers on free ports, and a broker if none runs yet (in the data folder, or at
    DATAFLOW_BROKER). Then it plays the samples again and again. Ctrl-C ends everything that it started.

    With PATH (a file, a folder, a pattern or s3://bucket/prefix) it reads your files instead, and follows
    them as they grow. They are access logs unless --as names another stream.

    With --once it plays all samples once, prints the tables and shows where every event went. The exit code
    is 0 only if no event is missing or counted twice, and all configured sinks have stored everything. With
    --once or PATH it uses a new folder inside DATAFLOW_DATA_DIR, and removes it at the end.

    \b
    Example:
      dataflow demo
      dataflow demo /var/log/nginx/access.log
      dataflow demo bookings.avro --as bookings
      dataflow demo --once --json | jq .tables.stays_per_category
    """
    is_once = once or as_json
    _read(places, stream, workers, once=is_once) if places else _play(rate, workers, is_once, as_json)


def _read(places: list[str], stream: str, workers: int, *, once: bool) -> None:
    from dataflow.demo.play.run import read_and_watch

    if once:
        raise Misconfigured(f"--once is given with PATH '{places[0]}'; expected it only for the samples")
    read_and_watch(workers, stream, places)


def _play(rate: int, workers: int, once: bool, as_json: bool) -> None:
    from dataflow.demo.play.run import play_and_watch, play_once

    if once:
        play_once(workers, as_json=as_json)
    else:
        play_and_watch(workers, rate)
