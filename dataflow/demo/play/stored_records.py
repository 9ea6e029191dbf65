"""Stored records: waits until the sinks have stored what the demo has played."""

import time
from collections.abc import Sequence
from typing import Any

from dataflow.cli.worker_client import ask
from dataflow.demo.play.cluster import Cluster, Say
from dataflow.errors import DataflowError

TIMEOUT_SECONDS = 30.0  # without any progress
POLL_SECONDS = 0.5
LOOKS = 2  # in a row: counts are served up to a checkpoint before their outputs are to be seen

Sinks = Sequence[dict[str, Any]]


def wait_until_stored(cluster: Cluster, say: Say) -> None:
    """Return when every sink that the settings ask for has taken all that was sent on.

    Raises `DataflowError`, which names the sinks and what they say, when nothing moves any more.
    """
    sinks: Sinks = []
    moved_at, looks = time.monotonic(), 0
    while looks < LOOKS:
        cluster.check()
        before, sinks = sinks, ask(cluster.workers[0].url, "sinks")["sinks"]
        if not sinks:
            return
        looks = 0 if _late(sinks) else looks + 1
        if _lag(sinks) != _lag(before):
            moved_at = time.monotonic()
            say(f"Sinks: {_words(sinks)}.")
        elif time.monotonic() - moved_at > TIMEOUT_SECONDS:
            raise DataflowError(
                f"nothing has been stored for {TIMEOUT_SECONDS:g} s; expected every record: "
                + _words(_late(sinks))
            )
        time.sleep(POLL_SECONDS)


def _late(sinks: Sinks) -> Sinks:
    return [sink for sink in sinks if sink["lag"]["records"]]


def _lag(sinks: Sinks) -> dict[str, int]:
    return {sink["name"]: sink["lag"]["records"] for sink in sinks}


def _words(sinks: Sinks) -> str:
    """Return how each fares: ``postgres is 300 records behind (PostgreSQL at db:5432: …)``."""
    return "; ".join(
        f"{sink['name']} {f'is {late:,} records behind' if late else 'has stored all'}"
        + (f" ({sink['last_error']})" if sink["retrying_since"] else "")
        for sink in sinks
        for late in [sink["lag"]["records"]]
    )
