"""`dataflow demo`: runs the whole system on sample data, or on files of one's own."""

from typing import Annotated

import typer

from dataflow.errors import Misconfigured

ACCESS_LOGS = "access-logs"

Places = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Your own files in place of the samples, as of `ingest`."),
]
Stream = Annotated[str, typer.Option("--as", help="With PATH: stream of the lines, as of `ingest`.")]
Once = Annotated[bool, typer.Option("--once", help="Play everything once, check the counts and end.")]
AsJson = Annotated[bool, typer.Option("--json", help="With --once (which it implies): only JSON on stdout.")]
Rate = Annotated[int, typer.Option(min=1, help="Events a second, over all streams.")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="Workers that share the partitions.")]


def demo(
    places: Places = None,
    stream: Stream = ACCESS_LOGS,
    once: Once = False,
    as_json: AsJson = False,
    rate: Rate = 300,
    workers: Workers = 1,
) -> None:
    """Show it all at work, on sample data or on your own logs.

    Starts a broker (or takes that of the data folder or of DATAFLOW_BROKER) and workers on free ports,
    and plays the samples round and round. Ctrl-C ends all of it.

    With PATH, a file, a folder, a pattern or s3://bucket/prefix, it reads these in place of the samples, and
    goes on with what is added to them. They are access logs unless --as says otherwise.

    With --once all samples are played once. It prints the tables and where every event went. The exit code
    is 0 only when no event is missing or counted twice, and the sinks that are set have stored all that is
    theirs. With --once or PATH it runs in a fresh folder inside DATAFLOW_DATA_DIR, which is then removed.

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
