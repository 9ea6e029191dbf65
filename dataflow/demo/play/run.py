"""The demo itself: runs the whole system, and checks or shows what becomes of the samples."""

import asyncio
from collections.abc import Sequence

from dataflow.cli.kafka import run_with_broker
from dataflow.cli.terminal import page, print_json
from dataflow.demo.play.cluster import Cluster, running_cluster
from dataflow.demo.play.folders import fresh_folder, kept_folder
from dataflow.demo.play.generated_events import GENERATED_TOPICS
from dataflow.demo.play.own_inputs import OwnInputs, check_inputs
from dataflow.demo.play.player import player
from dataflow.demo.play.screen import TABLES, TOP, Answer, entries_of, screen, totals
from dataflow.demo.play.stopwatch import Stopwatch
from dataflow.demo.play.stored_records import wait_until_stored
from dataflow.demo.play.stream_counts import CountsByStream, gaps, read_counts, wait_until_counted
from dataflow.demo.play.watch import Watched, watch
from dataflow.demo.samples import SAMPLE_TOPICS
from dataflow.errors import DataflowError
from dataflow.settings import settings

PLAYED_TOPICS = (*SAMPLE_TOPICS, *GENERATED_TOPICS)
PLAYED = Watched(PLAYED_TOPICS, TABLES)


def play_once(workers: int, *, as_json: bool) -> None:
    """Play every sample event once and show where each went.

    Raises `DataflowError` if an event is missing or in two places, and if a sink that is set
    does not store all of it.
    """
    say = Stopwatch()
    with (
        fresh_folder(settings().data_dir) as folder,
        running_cluster(settings(), folder, workers, say) as cluster,
    ):
        worker = cluster.workers[0].url
        before = read_counts(worker)
        acknowledged = run_with_broker(cluster.connection, _play_once(cluster))
        say(f"Played {sum(acknowledged.values()):,} events; all are acknowledged.")
        counts = wait_until_counted(cluster, before, acknowledged)
        say("All are counted.")
        _show(counts, totals(worker, None if as_json else TOP), as_json=as_json)
        if missing := gaps(counts, acknowledged):
            raise DataflowError(f"counts are not balanced: {'; '.join(missing)}; expected every event once")
        say("Counts are balanced: every event is in exactly one place.")
        wait_until_stored(cluster, say)


def _show(counts: CountsByStream, answers: dict[str, Answer], *, as_json: bool) -> None:
    if as_json:
        streams = {stream: of_stream._asdict() for stream, of_stream in counts.items()}
        print_json({"streams": streams, "tables": {name: entries_of(answers[name]) for name in answers}})
    else:
        page().print(screen(counts, answers, page().width))


def play_and_watch(workers: int, rate: int) -> None:
    """Play the samples at a rate and show what comes of them until Ctrl-C."""
    say = Stopwatch()
    try:
        with (
            kept_folder(settings().data_dir) as folder,
            running_cluster(settings(), folder, workers, say) as cluster,
        ):
            say(f"The page: {cluster.workers[0].url}/   (Ctrl-C ends the demo)")
            run_with_broker(cluster.connection, _play_and_watch(cluster, rate, say))
    except KeyboardInterrupt:
        say("Ended.")


def read_and_watch(workers: int, stream: str, places: Sequence[str]) -> None:
    """Read one's own inputs into a stream and show what comes of them until Ctrl-C.

    In a fresh folder: the samples, which happen now, would make older events come too late.
    """
    check_inputs(stream, places)
    say = Stopwatch()
    try:
        with (
            fresh_folder(settings().data_dir) as folder,
            running_cluster(settings(), folder, workers, say) as cluster,
        ):
            own = OwnInputs(settings().model_copy(update={"data_dir": folder}), stream, places)
            say(f"The page: {cluster.workers[0].url}/{own.shown.page}   (Ctrl-C ends the demo)")
            run_with_broker(cluster.connection, _read_and_watch(cluster, own, say))
    except KeyboardInterrupt:
        say("Ended.")


async def _play_once(cluster: Cluster) -> dict[str, int]:
    async with player(cluster.connection) as samples:
        return await samples.play_once()


async def _play_and_watch(cluster: Cluster, rate: int, say: Stopwatch) -> None:
    async with player(cluster.connection, PLAYED_TOPICS) as samples:
        await asyncio.gather(samples.play_on(rate), watch(cluster, PLAYED, say))


async def _read_and_watch(cluster: Cluster, own: OwnInputs, say: Stopwatch) -> None:
    await asyncio.gather(own.read_on(say), watch(cluster, own.shown, say))
