"""Runs the embedded broker as long as a command runs, and shows that its jars are fetched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataflow.cli.terminal import progress_bar
from dataflow.demo.broker import EmbeddedBroker


@contextmanager
def serving_broker(home: Path, port: int | None = None) -> Iterator[EmbeddedBroker]:
    """Run the broker, and give it once it serves; a bar on stderr shows that jars are fetched."""
    with progress_bar() as bar:
        task = bar.add_task("Fetching Apache Kafka", total=None, visible=False)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        broker = EmbeddedBroker(home, port, progress=show)
        broker.start()
        try:
            broker.wait_ready()
            yield broker
        finally:
            broker.stop()
