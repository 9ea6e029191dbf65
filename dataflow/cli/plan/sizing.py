"""Sizing: a rate and measured figures in; workers, partitions, memory, disk and recovery out."""

from math import ceil
from typing import Final

import msgspec

from dataflow.cli.plan.figures import Figures, StreamFigures

FEWEST_WORKERS: Final = 2
"""So that one may be restarted, or lost, while the other goes on."""

PARTITION_COUNTS: Final = (4, 6, 12, 24, 48, 64, 96, 192, 384, 768)
"""Each can be shared evenly by several numbers of workers."""

SEGMENT_BYTES: Final = 64 << 20
SEGMENTS_READ: Final = 1.25
"""A changelog is compacted below its last segment, and above a fifth of what is new."""

DAY_SECONDS: Final = 86_400
MICROSECOND: Final = 1e-6


class Need(msgspec.Struct, frozen=True):
    """One line of a plan."""

    what: str
    value: float
    unit: str
    because: str


def plan_of(
    stream: str, events_per_second: float, figures: Figures, state_bytes: int, in_flight: int
) -> list[Need]:
    """Return what this rate of a stream needs, each with how it was reckoned."""
    measured, reserve = figures.streams[stream], figures.reserve
    cores = events_per_second * measured.cpu_us * MICROSECOND
    workers = max(FEWEST_WORKERS, ceil(cores / reserve.worker_core_used))
    partitions = _partitions(workers * figures.partitions.spare_factor)
    return [
        Need(
            "enrich workers", workers, "",
            f"{measured.cpu_us:g} µs CPU an event is {cores:.2f} cores; each worker has one and uses "
            f"{reserve.worker_core_used:.0%} of it; at least {FEWEST_WORKERS}",
        ),
        _catching_up(workers, cores),
        Need(
            "partitions", partitions, "",
            f"at least {figures.partitions.spare_factor} for each worker, so that twice as many find work; "
            f"above {figures.partitions.most} measure the latency of your brokers first",
        ),
        _memory(figures, state_bytes, in_flight),
        _changelog(measured, events_per_second, reserve.changelog_factor),
        _recovery(figures, measured.changelog_entry_bytes, ceil(partitions / workers)),
        _ingest(figures, events_per_second),
        _broker(measured.broker_cpu_us, events_per_second, reserve.broker_core_used),
    ]  # fmt: skip


def _partitions(at_least: int) -> int:
    return next((count for count in PARTITION_COUNTS if count >= at_least), at_least)


def _catching_up(workers: int, cores: float) -> Need:
    seconds = 60 * cores / (workers - cores)
    because = f"{workers} cores read {workers / cores:.1f} times as fast as events come"
    return Need("to catch up with a minute of outage", round(seconds, 1), "s", because)


def _memory(figures: Figures, state_bytes: int, in_flight: int) -> Need:
    worker, factor = figures.worker, figures.reserve.memory_factor
    mib = (worker.rest_mib + (worker.in_flight_factor * in_flight + state_bytes) / 2**20) * factor
    return Need(
        "memory limit of a worker", ceil(mib / 64) * 64, "MiB",
        f"{worker.rest_mib:g} MiB at rest, {worker.in_flight_factor:g} times DATAFLOW_IN_FLIGHT_BYTES and "
        f"DATAFLOW_STATE_MEMORY_BYTES, times {factor:g}",
    )  # fmt: skip


def _changelog(measured: StreamFigures, events_per_second: float, factor: float) -> Need:
    entries = events_per_second * measured.changelog_entries
    gib = entries * measured.changelog_entry_bytes * factor * DAY_SECONDS / 2**30
    return Need(
        "changelog written", round(gib, 1), "GiB a day",
        f"{measured.changelog_entries:g} entries of {measured.changelog_entry_bytes:g} B an event, "
        f"times {factor:g}; compaction keeps the last of each key",
    )  # fmt: skip


def _recovery(figures: Figures, entry_bytes: float, partitions_each: int) -> Need:
    entries = partitions_each * SEGMENT_BYTES * SEGMENTS_READ / entry_bytes
    seconds = entries / figures.recovery.entries_per_second * figures.reserve.recovery_factor
    return Need(
        "recovery without a disk, at most about", round(seconds, 1), "s",
        f"{partitions_each} partitions of {SEGMENTS_READ:g} segments of 64 MiB that are not compacted, at "
        f"{figures.recovery.entries_per_second:,.0f} entries/s, times {figures.reserve.recovery_factor:g}; "
        "more if the last entries of all keys are more than that; with the local store some seconds",
    )  # fmt: skip


def _broker(cpu_us: float, events_per_second: float, used: float) -> Need:
    cores = ceil(events_per_second * cpu_us * MICROSECOND / used)
    return Need("broker cores", cores, "", f"{cpu_us:g} µs CPU an event, {used:.0%} of a core used, one copy")


def _ingest(figures: Figures, events_per_second: float) -> Need:
    cores = events_per_second * figures.ingest.cpu_us * MICROSECOND
    workers = max(FEWEST_WORKERS, ceil(cores / figures.reserve.worker_core_used))
    because = f"if events come by HTTP: {figures.ingest.cpu_us:g} µs CPU a line, in bodies of 1,000 lines"
    return Need("ingest workers", workers, "", because)
