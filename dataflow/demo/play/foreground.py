"""Runs the embedded broker as long as a command runs, and shows that its jars are fetched."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.cli.terminal import notes

if TYPE_CHECKING:
    from dataflow.demo.broker import EmbeddedBroker


def stop_on_sigterm() -> None:
    """Let SIGTERM end the command as Ctrl-C does, so that what it started is ended in order."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def fetching_jars() -> Iterator[Callable[[int, int], None]]:
    """Give the broker a progress bar to call; it shows on stderr when jars are fetched."""
    from rich.progress import Progress

    with Progress(console=notes(), transient=True) as bar:
        task = bar.add_task("Fetching Apache Kafka", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


@contextmanager
def serving(embedded: "EmbeddedBroker") -> Iterator[str]:
    """Start the broker, give its address when it serves, and stop it in the end."""
    embedded.start()
    try:
        embedded.wait_ready()
        yield embedded.address
    finally:
        embedded.stop()
