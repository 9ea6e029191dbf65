"""The demo itself: runs the whole system, and checks or shows what becomes of the samples."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.live import Live

from dataflow.cli.kafka import run_with_broker
from dataflow.cli.terminal import notes, page, print_json
from dataflow.cli.worker_client import NotReady
from dataflow.demo.play.cluster import Cluster, Say, running_cluster
from dataflow.demo.play.foreground import stop_on_sigterm
from dataflow.demo.play.player import player
from dataflow.demo.play.screen import TOP, Answer, entries_of, screen, totals
from dataflow.demo.play.stored_records import wait_until_stored
from dataflow.demo.play.stream_counts import CountsByStream, gaps, read_counts, wait_until_counted
from dataflow.errors import DataflowError, Misconfigured
from dataflow.file_locks import try_lock
from dataflow.settings import settings

LOOK_SECONDS = 1.0


def play_once(workers: int, *, as_json: bool) -> None:
    """Play every sample event once and show where each went.

    Raises `DataflowError` if an event is missing or in two places, and if a sink that is set
    does not store all of it.
    """
    stop_on_sigterm()
    say = _stopwatch()
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
        page().print(screen(counts, answers))


def play_and_watch(workers: int, rate: int) -> None:
    """Play the samples at a rate and show what comes of them until Ctrl-C."""
    stop_on_sigterm()
    say = _stopwatch()
    try:
        with (
            kept_folder(settings().data_dir) as folder,
            running_cluster(settings(), folder, workers, say) as cluster,
        ):
            say(f"The page: {cluster.workers[0].url}/   (Ctrl-C ends the demo)")
            run_with_broker(cluster.connection, _play_and_watch(cluster, rate))
    except KeyboardInterrupt:
        say("Ended.")


async def _play_once(cluster: Cluster) -> dict[str, int]:
    async with player(cluster.connection) as samples:
        return await samples.play_once()


async def _play_and_watch(cluster: Cluster, rate: int) -> None:
    async with player(cluster.connection) as samples:
        await asyncio.gather(samples.play_on(rate), _watch(cluster))


async def _watch(cluster: Cluster) -> None:
    worker = cluster.workers[0].url
    with Live(console=page(), auto_refresh=False) as live:
        while True:
            cluster.check()
            try:
                counts = await asyncio.to_thread(read_counts, worker)
                answers = await asyncio.to_thread(totals, worker, TOP)
                live.update(screen(counts, answers), refresh=True)
            except NotReady:
                pass  # a rebalance; the last picture stays
            await asyncio.sleep(LOOK_SECONDS)


def _stopwatch() -> Say:
    """Return a way to say on stderr what has been done, and after how long."""
    started_at, console = time.monotonic(), notes()

    def say(done: str) -> None:
        console.print(f"{time.monotonic() - started_at:5.1f} s  {done}", soft_wrap=True, highlight=False)

    return say


@contextmanager
def fresh_folder(data_dir: Path) -> Iterator[Path]:
    """Give a new folder in the data folder, and remove it in the end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    # What a killed worker may still write is no reason to fail.
    with TemporaryDirectory(prefix="once-", dir=data_dir, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def kept_folder(data_dir: Path) -> Iterator[Path]:
    """Give the data folder itself; raise `Misconfigured` when another demo has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = try_lock(data_dir / "demo.lock")
    if lock is None:
        raise Misconfigured(
            f"{data_dir} is in use by another demo; expected that to be ended first, "
            "or another folder in DATAFLOW_DATA_DIR"
        )
    try:
        yield data_dir
    finally:
        os.close(lock)
