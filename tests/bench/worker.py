"""A running worker: a flow in, its process and its port out, once it is ready."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from child import Child
from contestants import SHIPPED
from flows.flow import Flow
from queries import ask

START_SECONDS = 30.0


@contextmanager
def shipped_worker(flow: Flow) -> Iterator[tuple[Child, int]]:
    """Run `dataflow.app` on this flow until the block ends."""
    flow.prepare()
    with TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        told = flow.environment(folder)
        port = int(told["DATAFLOW_WEB_PORT"])
        with Child(flow.tree.command(SHIPPED), told, folder / "log", flow.tree) as child:
            yield child, port


def wait_until_ready(child: Child, port: int) -> None:
    """Wait until the worker has its partitions."""
    deadline = time.monotonic() + START_SECONDS
    while ask(port, "/readyz")[0] != 200:
        assert child.is_running(), f"worker has ended: {child.log_tail}"
        assert time.monotonic() < deadline, f"worker is not ready after {START_SECONDS:g} s"
        time.sleep(0.1)
