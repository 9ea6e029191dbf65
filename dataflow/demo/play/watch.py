"""Watch: shows what comes of the events that are played, until Ctrl-C."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rich.live import Live

from dataflow.cli.terminal import page
from dataflow.cli.worker_client import NotReady
from dataflow.demo.play.cluster import Cluster
from dataflow.demo.play.screen import TOP, Answer, live_screen, totals
from dataflow.demo.play.stopwatch import Stopwatch
from dataflow.demo.play.stream_counts import CountsByStream, read_counts

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What the screen shows: topics of streams, tables, and the page that has more."""

    topics: Sequence[str]
    tables: Sequence[str]
    page: str = ""


async def watch(cluster: Cluster, watched: Watched, say: Stopwatch) -> None:
    """Show it; raise `DataflowError` when the broker or a worker has ended by itself."""
    # Cropped where the terminal ends: what a person must not lose stands at the top.
    with (
        Live(console=page(), auto_refresh=False, vertical_overflow="crop") as live,
        say.above(live.console),
    ):
        while True:
            cluster.replace_ended(say)
            cluster.check()
            answers = await asyncio.to_thread(_ask_any, cluster, watched)
            if answers is not None:
                live.update(live_screen(_head(cluster, watched), *answers, live.console.width), refresh=True)
            await asyncio.sleep(LOOK_SECONDS)


def _ask_any(cluster: Cluster, watched: Watched) -> tuple[CountsByStream, dict[str, Answer]] | None:
    """Return what the first worker tells that answers; None while all are starting or recovering."""
    for worker in cluster.workers:
        with suppress(NotReady):
            return read_counts(worker.url, watched.topics), totals(worker.url, TOP, watched.tables)
    return None


def _head(cluster: Cluster, watched: Watched) -> str:
    pids = " or ".join(str(worker.process.pid) for worker in cluster.workers)
    return (
        f"The page: {cluster.workers[0].url}/{watched.page}\n"
        f"Kill any worker: kill -9 {pids}. Another is started, and nothing is lost.\n"
        "Ctrl-C ends the demo."
    )
