"""A running worker: a flow in, its process and its port out, once it is ready."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from child import Child
from contestant import SHIPPED
from flows.flow import Flow
from queries import ask

START_SECONDS = 60.0


@contextmanager
def shipped_worker(flow: Flow) -> Iterator[tuple[Child, int]]:
    """Run `dataflow.app` on this flow until the block ends."""
    flow.prepare()
    with _beside(flow) as running:
        yield running


@contextmanager
def _beside(flow: Flow) -> Iterator[tuple[Child, int]]:
    with TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        told = flow.environment(folder)
        port = int(told["DATAFLOW_WEB_PORT"])
        with Child(flow.tree.command(SHIPPED), told, folder / "log", flow.tree) as child:
            yield child, port


class Crew:
    """Workers of one group."""

    def __init__(self, workers: Sequence[tuple[Child, int]]) -> None:
        self.workers = workers

    @property
    def cpu_seconds(self) -> float:
        """CPU of all of them."""
        return sum(child.cpu_seconds for child, _ in self.workers)

    def wait_until_idle(self) -> None:
        """Wait until each has its partitions, and nothing to do."""
        for child, port in self.workers:
            wait_until_ready(child, port)
        for child, _ in self.workers:
            child.wait_until_idle(START_SECONDS)


@contextmanager
def crew(flow: Flow, workers: int) -> Iterator[Crew]:
    """Run so many workers on one flow until the block ends."""
    with ExitStack() as entered:
        first = entered.enter_context(shipped_worker(flow))
        others = [entered.enter_context(_beside(flow)) for _ in range(workers - 1)]
        yield Crew([first, *others])


def wait_until_ready(child: Child, port: int) -> None:
    """Wait until the worker has its partitions."""
    deadline = time.monotonic() + START_SECONDS
    while ask(port, "/readyz")[0] != 200:
        assert child.is_running(), f"worker has ended: {child.log_tail}"
        assert time.monotonic() < deadline, f"worker is not ready after {START_SECONDS:g} s"
        time.sleep(0.1)
