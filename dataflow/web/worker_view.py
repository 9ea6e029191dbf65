"""Worker view: what one worker says of itself: its partitions, its checkpoints, its recovery."""

from time import monotonic
from typing import Annotated

from faust.types import TP
from msgspec import Meta

from dataflow import __version__
from dataflow.app import app
from dataflow.engine.member_data import this_process
from dataflow.engine.partition import Partition
from dataflow.instants import iso, now_ms
from dataflow.web.answer import Answer
from dataflow.web.health import not_ready_for


class OwnedPartition(Answer):
    """A partition that a worker owns."""

    topic: str
    partition: int
    position: Annotated[int, Meta(description="End of what is finished: the next offset to read")]
    lag_records: int
    in_flight_bytes: Annotated[int, Meta(description="Handed out, and not committed")]
    pause: Annotated[str | None, Meta(description="Why it is not read for now")]


class CheckpointView(Answer):
    """The checkpoints of a worker since it started."""

    count: int
    last_at: Annotated[str | None, Meta(description="When the last one was committed, UTC")]
    last_ms: Annotated[float | None, Meta(description="How long that took")]
    interval_ms: Annotated[float, Meta(description="From the begin of one to that of the next, at least")]


class EngineView(Answer):
    """What a worker does with its partitions, and how its recovery gets on."""

    state: str
    cause: str
    seconds: Annotated[float, Meta(description="How long it has been in this state")]
    awaited: Annotated[str | None, Meta(description="What has to happen for it to run")]
    error: Annotated[str | None, Meta(description="What has gone wrong last in this state")]


class WorkerView(Answer):
    """A worker, as it sees itself."""

    url: str
    role: str
    release: str
    started_at: str
    not_ready: Annotated[str | None, Meta(description="Why it does none of its work; null: it does")]
    engine: Annotated[EngineView | None, Meta(description="null: its role takes no partitions")]
    checkpoints: CheckpointView
    partitions: list[OwnedPartition]
    read_again: Annotated[int, Meta(description="Records that were read again after a session had ended")]
    state_memory_bytes: Annotated[int, Meta(description="About how much memory its tables take")]


def own_view() -> WorkerView:
    """Return what this worker says of itself."""
    partitions = sorted(app.engine.partitions.items())
    return WorkerView(
        url=app.queries.own_url,
        role=app.settings.role,
        release=__version__,
        started_at=iso(this_process().started_ms),
        not_ready=not_ready_for(),
        engine=_engine() if app.takes_partitions else None,
        checkpoints=_checkpoints(),
        partitions=[_partition(tp, partition) for tp, partition in partitions],
        read_again=app.engine.assignment.read_again,
        state_memory_bytes=app.engine.memory.size,
    )


def _engine() -> EngineView:
    lifecycle = app.engine.lifecycle
    error = None if lifecycle.error is None else repr(lifecycle.error)
    seconds = round(lifecycle.seconds, 1)
    return EngineView(lifecycle.state, lifecycle.cause, seconds, lifecycle.awaited or None, error)


def _checkpoints() -> CheckpointView:
    pace = app.engine.checkpoint_timer.pace
    interval_ms = round(pace.interval * 1000, 1)
    if not pace.count:
        return CheckpointView(0, None, None, interval_ms)
    ended_at = iso(now_ms() - round((monotonic() - pace.ended) * 1000))
    return CheckpointView(pace.count, ended_at, round(pace.took * 1000, 1), interval_ms)


def _partition(tp: TP, partition: Partition) -> OwnedPartition:
    lag = max((app.consumer.highwater(tp) or 0) - partition.position, 0)
    pause = None if partition.pause is None else partition.pause.detail
    return OwnedPartition(tp.topic, tp.partition, partition.position, lag, partition.in_flight_bytes, pause)
