"""`dataflow demo`: runs the whole system on sample data."""

from typing import Annotated

import typer

Once = Annotated[bool, typer.Option("--once", help="Play everything once, check the counts and end.")]
AsJson = Annotated[bool, typer.Option("--json", help="With --once (which it implies): only JSON on stdout.")]
Rate = Annotated[int, typer.Option(min=1, help="Events a second, over all streams.")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="Workers that share the partitions.")]


def demo(once: Once = False, as_json: AsJson = False, rate: Rate = 300, workers: Workers = 1) -> None:
    """Show it all at work on sample data.

    Starts the embedded broker (or takes the one that runs on the data folder, or
    DATAFLOW_BROKER), makes the topics, starts the workers on free ports and plays
    the sample data round and round at a steady rate. Ctrl-C ends all of it.

    With --once everything is played once, as fast as it is taken, in a fresh folder
    inside DATAFLOW_DATA_DIR that is removed afterwards, so it can be repeated. It
    prints the tables and where every event went, and waits for the sinks that are
    set (as by DATAFLOW_POSTGRES_URL); the exit code is 0 only when no event is missing,
    none was counted twice, and the sinks have stored all that is theirs.

    \b
    Example:
      dataflow demo
      dataflow demo --rate 2000 --workers 3
      dataflow demo --once --json | jq .tables.stays_per_category
    """
    from dataflow.demo.play.run import play_and_watch, play_once

    if once or as_json:
        play_once(workers, as_json=as_json)
    else:
        play_and_watch(workers, rate)
