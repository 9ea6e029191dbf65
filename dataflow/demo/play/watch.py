"""Watch: shows what comes of the events that are played, until Ctrl-C."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rich.live import Live

from dataflow.cli.terminal import page
from dataflow.cli.worker_client import NotReady
from dataflow.demo.play.cluster import Cluster
from dataflow.demo.play.screen import TOP, live_screen, totals
from dataflow.demo.play.stopwatch import Stopwatch
from dataflow.demo.play.stream_counts import read_counts

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What the screen shows: topics of streams, tables, and the page that has more."""

    topics: Sequence[str]
    tables: Sequence[str]
    page: str = ""


async def watch(cluster: Cluster, shown: Watched, say: Stopwatch) -> None:
    """Show it; raise `DataflowError` when the broker or a worker has ended by itself."""
    worker = cluster.workers[0].url
    # Cropped where the terminal ends: what a person must not lose stands at the top.
    with (
        Live(console=page(), auto_refresh=False, vertical_overflow="crop") as live,
        say.above(live.console),
    ):
        while True:
            cluster.check()
            try:
                counts = await asyncio.to_thread(read_counts, worker, shown.topics)
                answers = await asyncio.to_thread(totals, worker, TOP, shown.tables)
                live.update(live_screen(f"{worker}/{shown.page}", counts, answers), refresh=True)
            except NotReady:
                pass  # a rebalance; the last picture stays
            await asyncio.sleep(LOOK_SECONDS)
