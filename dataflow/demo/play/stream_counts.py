"""Stream counts: what workers say of the events that the demo has played, and what is missing."""

import time
from collections.abc import Iterable, Mapping
from operator import sub
from typing import NamedTuple

from dataflow.cli.worker_client import NotReady, ask
from dataflow.demo.play.cluster import Cluster
from dataflow.demo.samples import SAMPLE_TOPICS
from dataflow.errors import DataflowError

TIMEOUT_SECONDS = 30.0  # without any progress
POLL_SECONDS = 0.2


class StreamCounts(NamedTuple):
    """Where the events of one stream went."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    dead_lettered: int = 0


CountsByStream = dict[str, StreamCounts]


def read_counts(worker: str, topics: Iterable[str] = SAMPLE_TOPICS) -> CountsByStream:
    """Ask a worker for the counts of the streams of these topics."""
    answer = ask(worker, "streams")["streams"]
    return {topic: StreamCounts(**answer[topic]) for topic in topics}


def wait_until_counted(
    cluster: Cluster, before: CountsByStream, acknowledged: Mapping[str, int]
) -> CountsByStream:
    """Return the counts since `before` once all that was acknowledged is in; raise `DataflowError`."""
    worker = cluster.workers[0].url
    last: CountsByStream = {}
    moved_at = time.monotonic()
    while True:
        cluster.check()
        try:
            now = since(before, read_counts(worker))
        except NotReady:
            now = last
        if all(now.get(stream, StreamCounts()).received >= number for stream, number in acknowledged.items()):
            return now
        if now != last:
            last, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > TIMEOUT_SECONDS:
            raise DataflowError(
                f"nothing has come in for {TIMEOUT_SECONDS:g} s; expected every event: "
                + "; ".join(gaps(now, acknowledged))
            )
        time.sleep(POLL_SECONDS)


def since(before: CountsByStream, now: CountsByStream) -> CountsByStream:
    """Return what came in between two readings."""
    return {
        stream: StreamCounts(*map(sub, counts, before.get(stream, StreamCounts())))
        for stream, counts in now.items()
    }


def gaps(counts_by_stream: CountsByStream, acknowledged: Mapping[str, int]) -> list[str]:
    """Name every stream whose events are not each in exactly one place."""
    differences = []
    for stream, played in acknowledged.items():
        counts = counts_by_stream.get(stream, StreamCounts())
        ended = counts.sent + counts.dropped + counts.dead_lettered
        if counts.received != played:
            differences.append(f"{stream} received {counts.received:,} of {played:,} played")
        if counts.received != ended:
            differences.append(f"{stream} received {counts.received:,} and passed on {ended:,}")
    return differences
