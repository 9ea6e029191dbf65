"""The demo's balance: acknowledged events and what the workers say of them in, every gap out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.cli.worker_client import NotReady, ask
from dataflow.demo.samples import STREAMS
from dataflow.errors import DataflowError

if TYPE_CHECKING:
    from dataflow.demo.play.cluster import Cluster

PARTS = ("received", "sent", "dropped", "dead_lettered")
PATIENCE_SECONDS = 30.0  # without any progress
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class StreamBalance:
    """Where the events of one stream went."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    dead_lettered: int = 0

    def __sub__(self, earlier: "StreamBalance") -> "StreamBalance":
        return StreamBalance(*(getattr(self, part) - getattr(earlier, part) for part in PARTS))


Balances = dict[str, StreamBalance]


def read_balances(worker: str) -> Balances:
    """Ask a worker for the balance of every stream that the demo plays."""
    answer = ask(worker, "streams")
    return {stream: _read(answer["streams"][stream]) for stream in STREAMS}


def wait_until_counted(cluster: "Cluster", before: Balances, acknowledged: Mapping[str, int]) -> Balances:
    """Return the balances since `before` when all that was acknowledged has come in.

    Raises `DataflowError` when nothing moves any more.
    """
    worker = cluster.workers[0].url
    seen: Balances = {}
    moved_at = time.monotonic()
    while True:
        cluster.check()
        try:
            now = since(before, read_balances(worker))
        except NotReady:
            now = seen
        if all(now.get(stream, StreamBalance()).received >= count for stream, count in acknowledged.items()):
            return now
        if now != seen:
            seen, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE_SECONDS:
            raise DataflowError(
                f"nothing has come in for {PATIENCE_SECONDS:g} s; expected every event: "
                + "; ".join(gaps(now, acknowledged))
            )
        time.sleep(POLL_SECONDS)


def since(before: Balances, now: Balances) -> Balances:
    """Return what came in between two readings."""
    return {stream: balance - before.get(stream, StreamBalance()) for stream, balance in now.items()}


def gaps(balances: Balances, acknowledged: Mapping[str, int]) -> list[str]:
    """Name every stream whose events are not each in exactly one place."""
    differences = []
    for stream, played in acknowledged.items():
        balance = balances.get(stream, StreamBalance())
        ended = balance.sent + balance.dropped + balance.dead_lettered
        if balance.received != played:
            differences.append(f"{stream} received {balance.received:,} of {played:,} played")
        if balance.received != ended:
            differences.append(f"{stream} received {balance.received:,} and passed on {ended:,}")
    return differences


def _read(parts: Mapping[str, Any]) -> StreamBalance:
    return StreamBalance(*(_total(parts[part]) for part in PARTS))


def _total(part: int | Mapping[str, int]) -> int:
    """Sum up what is told by rule or by reason."""
    return sum(part.values()) if isinstance(part, Mapping) else part
